// Asks one plugin in one interface: each call has a deadline, and what is answered is read with suspicion.

import { type Decoded, DecodeError, type Decoder } from "#base/decode.ts";
import { EngineError, systemError } from "#base/errors.ts";
import type { PluginCaller, Plugins } from "./plugins.ts";

/** Milliseconds that a plugin has. */
export interface PluginPatience {
  /** For what somebody waits for. */
  readonly asked: number;
  /** For all that is given back at once; and if it has not answered the time before. */
  readonly givenBack: number;
  readonly silent: number;
}

export const pluginPatience: PluginPatience = { asked: 60_000, givenBack: 10_000, silent: 1000 };

export interface PluginCallsDeps {
  readonly plugins: Plugins;
  readonly patience: PluginPatience;
  /** Aborted when the daemon ends: nothing is asked after that. */
  readonly stop: AbortSignal;
}

/** The plugin has understood what it was asked for, and has not done it. */
export class PluginSaysNo extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super("system", message, options);
  }
}

export interface PluginAnswer {
  /** Its failure in its own words; "" or not there: none. */
  readonly Err?: string;
  readonly Error?: string;
}

const HTTP_OK = 200;
const HTTP_NOT_FOUND = 404;

export class PluginCalls {
  readonly name: string;
  readonly #wanted: string;
  readonly #deps: PluginCallsDeps;
  /** It has let the last question wait for too long. */
  #isSilent = false;

  /** `wanted`: the interface, "NetworkDriver". */
  constructor(deps: PluginCallsDeps, name: string, wanted: string) {
    this.#deps = deps;
    this.name = name;
    this.#wanted = wanted;
  }

  /** Resolves when it is there and speaks the interface. */
  async reach(signal: AbortSignal): Promise<void> {
    await this.#find(this.#within(signal, this.#deps.patience.asked));
  }

  /** A deadline for several calls that are made one after the other, whoever waits for them: a short one where nobody has answered of late. */
  deadline(): AbortSignal {
    const { givenBack, silent } = this.#deps.patience;
    return AbortSignal.timeout(this.#isSilent ? silent : givenBack);
  }

  /** Rejects with PluginSaysNo if the plugin does, with another error if nothing is known of what it did. */
  async ask<A extends PluginAnswer>(
    verb: string,
    body: unknown,
    decode: Decoder<A>,
    signal: AbortSignal,
  ): Promise<A> {
    const either = this.#within(signal, this.#deps.patience.asked);
    const caller = await this.#find(either);
    const answer = this.#read(verb, await this.#call(caller, { verb, body }, either), decode);
    const words = answer.Err || answer.Error;
    if (words) throw new PluginSaysNo(`remote: ${words}`);
    return answer;
  }

  /** For what a plugin need not have: nothing happens then. */
  async tell(verb: string, body: unknown, decode: Decoder<PluginAnswer>, signal: AbortSignal): Promise<void> {
    try {
      await this.ask(verb, body, decode, signal);
    } catch (error) {
      if (!(error instanceof PluginSaysNo) || statusOf(error.cause) !== HTTP_NOT_FOUND) throw error;
    }
  }

  #within(signal: AbortSignal, milliseconds: number): AbortSignal {
    return AbortSignal.any([signal, this.#deps.stop, AbortSignal.timeout(milliseconds)]);
  }

  async #find(signal: AbortSignal): Promise<PluginCaller> {
    try {
      return await this.#deps.plugins.get(this.name, this.#wanted, signal);
    } catch (error) {
      if (error instanceof EngineError) throw error;
      if (isTimeout(signal)) throw systemError(`plugin "${this.name}" does not answer`, { cause: error });
      if (signal.aborted || !(error instanceof Error)) throw error;
      throw systemError(`plugin "${this.name}": ${error.message}`, { cause: error });
    }
  }

  async #call(
    caller: PluginCaller,
    { verb, body }: { readonly verb: string; readonly body: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const method = `${this.#wanted}.${verb}`;
    try {
      const answer = await caller.call(method, body, signal);
      this.#isSilent = false;
      return answer;
    } catch (error) {
      this.#isSilent = isTimeout(signal);
      const status = statusOf(error);
      if (error instanceof Error && status !== undefined && status !== HTTP_OK)
        throw new PluginSaysNo(error.message, { cause: error });
      if (error instanceof EngineError || signal.aborted) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw systemError(`${method}: plugin "${this.name}": ${why}`, { cause: error });
    }
  }

  #read<A>(verb: string, answer: unknown, decode: Decoder<A>): Decoded<Decoder<A>> {
    try {
      return decode(answer, "");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw systemError(
        `${this.#wanted}.${verb}: plugin "${this.name}" answers what is not understood: ${error.message}`,
        { cause: error },
      );
    }
  }
}

const isTimeout = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.name === "TimeoutError";

const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : undefined;
