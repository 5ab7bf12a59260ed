// The thread's side: serves jobs on trees side by side, each over a port and an executor process of its own.

import type { MessagePort } from "node:worker_threads";
import { EngineError } from "#base/errors.ts";
import { TarError } from "#formats/tar-entry.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { explain } from "#kernel/trees/explain.ts";
import { openHeld } from "#kernel/zygote/connect.ts";
import { openSlot } from "#kernel/zygote/held.ts";
import { rebuildBlob, recordBlob } from "../rebuild/rebuild-task.ts";
import { LOWER, UPPER } from "./layer-view.ts";
import { copyTree } from "./tree-copy.ts";
import {
  decodeToThread,
  decodeTreeJob,
  type FromThread,
  type ThreadFailure,
  type TreeJob,
  WINDOW_IN,
} from "./tree-messages.ts";
import { packChanges, packLayer, packPath, packRoot, unpackInto } from "./tree-tasks.ts";
import { readIdTranslation } from "./user-ids.ts";
import { VIEW_ROOT } from "./view.ts";

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
  const { task } = job;
  await using held = await openHeld(job.executorSocket, job.plan, channel.signal);
  if (task.kind === "layer" || task.kind === "changes") {
    using upper = openSlot(held.pid, UPPER);
    using lower = openSlot(held.pid, LOWER);
    const layers = { upper: upper.fd, lower: lower.fd };
    await channel.sendAll(task.kind === "layer" ? packLayer(layers, task) : packChanges(layers, task));
    return;
  }
  if (task.kind === "copy") {
    using from = openSlot(held.pid, LOWER);
    using to = openSlot(held.pid, UPPER);
    await copyTree(from.fd, to.fd);
    return;
  }
  if (task.kind === "record" || task.kind === "rebuild") {
    using whole = openSlot(held.pid, LOWER);
    if (task.kind === "record") await recordBlob(whole.fd, task);
    else await channel.sendAll(rebuildBlob(whole.fd, task));
    return;
  }
  using root = openSlot(held.pid, VIEW_ROOT);
  const view = { root: root.fd, ids: readIdTranslation(held.pid) };
  if (task.kind === "unpack") await unpackInto(view, task, channel.received());
  else if (task.kind === "root") await channel.sendAll(packRoot(view));
  else await channel.sendAll(packPath(view, task.path, (stat) => channel.post({ kind: "told", stat })));
}

function failureOf(error: unknown): ThreadFailure {
  const message = error instanceof Error ? error.message : String(error);
  const failure = { kind: "failed", message, errorKind: "", code: "", why: "" } as const;
  if (error instanceof EngineError) return { ...failure, errorKind: error.kind };
  if (error instanceof TarError) return { ...failure, errorKind: "system" };
  const explained = explain("reading the files of the container", error);
  return explained instanceof PlanError
    ? { ...failure, message: explained.message, code: explained.code, why: explained.why }
    : failure;
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

  async sendAll(
    chunks: Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    for await (const bytes of chunks) await this.send(bytes);
  }

  /** Resolves when the daemon has asked for this chunk. */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#until(() => this.#wanted > 0);
    this.#wanted--;
    const message: FromThread = { kind: "bytes", bytes };
    this.#port.postMessage(message, [bytes.buffer]);
  }

  async *received(): AsyncGenerator<Uint8Array> {
    for (let free = WINDOW_IN; free > 0; free--) this.post({ kind: "want" });
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
