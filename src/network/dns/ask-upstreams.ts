// One question to several upstream servers.
//
// They are in an order because somebody wants the first to be believed: it may know names that the second denies. So the second is asked only
// when the first has failed, or has not answered for a moment; a positive answer counts at once, and a negative one when every server in
// front of it has failed or is silent. A server that is known to be silent is still asked, beside the next one: it costs nothing, and is
// heard again as soon as it is back.
//
//   0 ms      the first (and the next ones, as long as all before them are known to be silent)
//   +100 ms   the next one, and so on; at once after a failure
//   1 s       who has not answered is silent, as far as this sandbox is concerned: what another one hears is its own affair
//   3 s       the client is told that nobody answered: most give up after 5 s, and ask again before

import { responseCodes } from "#formats/dns/message.ts";
import type { Question, Reply } from "./exchange.ts";
import type { Upstream } from "./names.ts";

export type Exchange = (server: Upstream, question: Question, signal: AbortSignal) => Promise<Reply>;

const NEXT_MS = 100;
const SILENT_MS = 1000;
const LIMIT_MS = 3000;

/** Servers that did not answer in time when they were last asked. */
export class SilentServers {
  readonly #silent = new Set<string>();
  readonly #key = ({ address, fromHost }: Upstream): string => `${fromHost} ${address}`;

  has(server: Upstream): boolean {
    return this.#silent.has(this.#key(server));
  }

  add(server: Upstream): void {
    this.#silent.add(this.#key(server));
  }

  delete(server: Upstream): void {
    this.#silent.delete(this.#key(server));
  }
}

/** undefined: nobody knows. Ends with the signal, too. */
export async function askUpstreams(
  deps: { readonly exchange: Exchange; readonly silent: SilentServers },
  servers: readonly Upstream[],
  question: Question,
  signal: AbortSignal,
): Promise<Reply | undefined> {
  const asking = new Asking(deps, servers, question);
  const timeout = AbortSignal.timeout(LIMIT_MS);
  try {
    return await asking.run(AbortSignal.any([signal, timeout]));
  } finally {
    asking.end();
  }
}

type State = "unasked" | "asked" | "failed" | Reply;

const isPositive = (state: State): boolean =>
  typeof state === "object" && state.code === responseCodes.noError && state.answers > 0;
/** Whatever else a server says tells of the server and not of the name. */
const isAnswer = ({ code }: Reply): boolean =>
  code === responseCodes.noError || code === responseCodes.nameError;

class Asking {
  readonly #deps: { readonly exchange: Exchange; readonly silent: SilentServers };
  readonly #servers: readonly Upstream[];
  readonly #question: Question;
  readonly #states: State[];
  readonly #stopped = new AbortController();
  readonly #result = Promise.withResolvers<Reply | undefined>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    deps: { readonly exchange: Exchange; readonly silent: SilentServers },
    servers: readonly Upstream[],
    question: Question,
  ) {
    this.#deps = deps;
    this.#servers = servers;
    this.#question = question;
    this.#states = servers.map(() => "unasked");
  }

  async run(signal: AbortSignal): Promise<Reply | undefined> {
    const abort = (): void => this.#result.resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    else this.#askNext();
    try {
      return await this.#result.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  end(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #askNext(): void {
    const index = this.#states.indexOf("unasked");
    const server = this.#servers[index];
    if (server === undefined) {
      this.#decide();
      return;
    }
    this.#states[index] = "asked";
    void this.#ask(index, server);
    if (this.#deps.silent.has(server)) this.#askNext();
    else {
      this.#after(NEXT_MS, () => {
        if (this.#states[index] === "asked") this.#askNext();
      });
      this.#after(SILENT_MS, () => {
        if (this.#states[index] === "asked") this.#deps.silent.add(server);
        this.#decide();
      });
    }
  }

  #after(ms: number, act: () => void): void {
    this.#timers.add(setTimeout(act, ms));
  }

  async #ask(index: number, server: Upstream): Promise<void> {
    try {
      const reply = await this.#deps.exchange(server, this.#question, this.#stopped.signal);
      this.#deps.silent.delete(server);
      this.#states[index] = isAnswer(reply) ? reply : "failed";
    } catch {
      this.#states[index] = "failed";
    }
    if (this.#stopped.signal.aborted) return;
    this.#decide();
    if (this.#states[index] === "failed") this.#askNext();
  }

  #decide(): void {
    const decided = this.#states.find(isPositive) ?? this.#believed();
    if (typeof decided === "object") this.#result.resolve(decided);
    else if (this.#states.every((state) => state === "failed")) this.#result.resolve(undefined);
  }

  /** The first that has answered, if nobody in front of it may still do so. */
  #believed(): State | undefined {
    const mayAnswer = (state: State, index: number): boolean => {
      const server = this.#servers[index];
      return (
        state === "unasked" || (state === "asked" && server !== undefined && !this.#deps.silent.has(server))
      );
    };
    return this.#states.find((state, index) => typeof state === "object" || mayAnswer(state, index));
  }
}
