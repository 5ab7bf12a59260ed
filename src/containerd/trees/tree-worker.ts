// The thread's side: serves jobs on trees side by side, each over a port and an executor process of its own.

import type { MessagePort } from "node:worker_threads";
import { EngineError } from "#base/errors.ts";
import { TarError } from "#formats/tar-entry.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { openSession } from "#kernel/zygote/connect.ts";
import type { PlanSession } from "#kernel/zygote/session.ts";
import {
  decodeToThread,
  decodeTreeJob,
  type FromThread,
  type ThreadFailure,
  type TreeJob,
  WINDOW,
} from "./tree-messages.ts";
import { packChanges, packLayer, packPath, packRoot, unpackInto } from "./tree-tasks.ts";

/** Serves one job until it is done or aborted; never rejects. */
export async function serveTreeJob(port: MessagePort, message: unknown): Promise<void> {
  const channel = new Channel(port);
  try {
    await runJob(decodeTreeJob(message), channel);
    channel.post({ kind: "done" });
  } catch (error) {
    channel.post(failureOf(error));
  }
  port.close();
}

async function runJob(job: TreeJob, channel: Channel): Promise<void> {
  await using session = await openSession(job.executorSocket, channel.signal);
  await session.writeEncoded(job.plan, job.whys);
  if (job.task.kind === "unpack") {
    await unpackInto(session, job.task, channel.received());
    return;
  }
  for await (const bytes of pack(session, job.task, channel)) await channel.send(bytes);
  await session.end();
}

function pack(
  session: PlanSession,
  task: Exclude<TreeJob["task"], { readonly kind: "unpack" }>,
  channel: Channel,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  switch (task.kind) {
    case "path":
      return packPath(session, task.path, (stat) => channel.post({ kind: "told", stat }));
    case "root":
      return packRoot(session);
    case "layer":
      return packLayer(session, task.exclude);
    case "changes":
      return packChanges(session, task.exclude);
    default:
      return task satisfies never;
  }
}

function failureOf(error: unknown): ThreadFailure {
  const message = error instanceof Error ? error.message : String(error);
  const failure = { kind: "failed", message, errorKind: "", code: "", why: "" } as const;
  if (error instanceof EngineError) return { ...failure, errorKind: error.kind };
  if (error instanceof TarError) return { ...failure, errorKind: "system" };
  return error instanceof PlanError ? { ...failure, code: error.code, why: error.why } : failure;
}

/** One job's end of its port. */
class Channel {
  readonly #port: MessagePort;
  readonly #aborting = new AbortController();
  readonly #arrived: Uint8Array[] = [];
  #ended = false;
  #wanted = 0;
  #wake: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (message: unknown) => this.#take(message));
    port.on("close", () => this.#abort()); // the daemon has no use for it any more
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  post(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** Resolves when the daemon has asked for this chunk. */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#until(() => this.#wanted > 0);
    this.#wanted--;
    const message: FromThread = { kind: "bytes", bytes };
    this.#port.postMessage(message, [bytes.buffer]);
  }

  async *received(): AsyncGenerator<Uint8Array> {
    for (let free = WINDOW; free > 0; free--) this.post({ kind: "want" });
    for (;;) {
      await this.#until(() => this.#arrived.length > 0 || this.#ended);
      const bytes = this.#arrived.shift();
      if (bytes === undefined) return;
      this.post({ kind: "want" });
      yield bytes;
    }
  }

  #take(value: unknown): void {
    const message = decodeToThread(value);
    if (message.kind === "want") this.#wanted++;
    else if (message.kind === "bytes") this.#arrived.push(message.bytes);
    else if (message.kind === "end") this.#ended = true;
    else this.#abort();
    this.#wake();
  }

  #abort(): void {
    this.#aborting.abort(new Error("context canceled"));
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.signal.throwIfAborted();
  }
}
