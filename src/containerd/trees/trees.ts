// Trees of files that a plan opens, read and written off the daemon's own thread: as tar, both ways, as a layer, as a list of changes.
// A few threads serve all jobs side by side, so that one whose client is slow holds up no other.

import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { EngineError, systemError } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { encodeHeld } from "#kernel/zygote/connect.ts";
import type { RebuildRequest, RecordRequest } from "../rebuild/rebuild-task.ts";
import {
  decodeFromThread,
  type FromThread,
  type LayerChoice,
  type ThreadFailure,
  type ToThread,
  type TreeTask,
  WINDOW,
} from "./tree-messages.ts";
import type { PathStat } from "./tree-paths.ts";
import type { UnpackRequest } from "./tree-tasks.ts";

export type { PathStat } from "./tree-paths.ts";

export interface PackedPath {
  readonly stat: PathStat;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** `plan` opens the tree, in a process of its own that ends with the job. */
export interface Trees {
  /** An archive of what is at the path, by planView. To be read to its end, or the signal aborted. Rejects notFound. */
  packPath(plan: Plan, path: string, signal: AbortSignal): Promise<PackedPath>;
  /** An archive of everything, by planView. */
  packRoot(plan: Plan, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By planLayers: what a snapshot has of its own. */
  packLayer(plan: Plan, choice: LayerChoice, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** The same as Docker's JSON list of changes. */
  packChanges(plan: Plan, choice: LayerChoice, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By planCopy: makes one directory what the other one is. */
  copy(plan: Plan, signal: AbortSignal): Promise<void>;
  /** By planLayers, the snapshot's own layer among those below: what its blob can be rebuilt by. Rejects `unsupported` if it cannot. */
  recordBlob(plan: Plan, request: RecordRequest, signal: AbortSignal): Promise<void>;
  /** Likewise: the blob that the record was made of. */
  rebuildBlob(plan: Plan, request: RebuildRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By planView: an archive into a directory. The memory of the body's pieces is given away. */
  unpack(
    plan: Plan,
    request: UnpackRequest,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface TreeThreadsOptions {
  /** The thread's program: src/main/tree-worker.ts or what it was built to. */
  readonly workerUrl: URL;
  readonly executorSocket: string;
  readonly maxWorkers: number;
  readonly idleMs: number;
}

const CHUNK = 256 << 10;

interface Thread {
  readonly worker: Worker;
  jobs: number;
  timer?: NodeJS.Timeout;
}

export class TreeThreads implements Trees, AsyncDisposable {
  readonly #options: TreeThreadsOptions;
  readonly #threads: Thread[] = [];

  constructor(options: TreeThreadsOptions) {
    this.#options = options;
  }

  async packPath(plan: Plan, path: string, signal: AbortSignal): Promise<PackedPath> {
    const job = this.#open(plan, { kind: "path", path }, signal);
    const first = await job.next();
    if (first.kind !== "told") throw systemError("the thread told nothing of the path");
    return { stat: first.stat, chunks: job.chunks() };
  }

  packRoot(plan: Plan, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#open(plan, { kind: "root" }, signal).chunks();
  }

  packLayer(plan: Plan, choice: LayerChoice, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#open(plan, { kind: "layer", ...choice }, signal).chunks();
  }

  packChanges(plan: Plan, choice: LayerChoice, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#open(plan, { kind: "changes", ...choice }, signal).chunks();
  }

  async copy(plan: Plan, signal: AbortSignal): Promise<void> {
    await this.#open(plan, { kind: "copy" }, signal).done();
  }

  async recordBlob(plan: Plan, request: RecordRequest, signal: AbortSignal): Promise<void> {
    await this.#open(plan, { kind: "record", ...request }, signal).done();
  }

  rebuildBlob(plan: Plan, request: RebuildRequest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#open(plan, { kind: "rebuild", ...request }, signal).chunks();
  }

  async unpack(
    plan: Plan,
    request: UnpackRequest,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const job = this.#open(plan, { kind: "unpack", ...request }, signal);
    await job.feed(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #open(plan: Plan, task: TreeTask, signal: AbortSignal): Job {
    signal.throwIfAborted();
    const thread = this.#choose();
    thread.jobs++;
    clearTimeout(thread.timer);
    thread.worker.ref();
    const { port1, port2 } = new MessageChannel();
    const { executorSocket } = this.#options;
    const job = { executorSocket, plan: encodeHeld(plan), task };
    thread.worker.postMessage({ job, port: port2 }, [port2]);
    return new Job(port1, signal, () => this.#release(thread));
  }

  /** An idle one, or a new one, or the one with the least to do. */
  #choose(): Thread {
    const [best] = this.#threads.toSorted((left, right) => left.jobs - right.jobs);
    if (best !== undefined && (best.jobs === 0 || this.#threads.length >= this.#options.maxWorkers))
      return best;
    const thread: Thread = {
      worker: new Worker(this.#options.workerUrl, { execArgv: ["--disable-warning=ExperimentalWarning"] }),
      jobs: 0,
    };
    const drop = (): void => this.#drop(thread);
    // Its ports close with it, which ends its jobs.
    thread.worker.on("error", drop);
    thread.worker.on("exit", drop);
    this.#threads.push(thread);
    return thread;
  }

  #release(thread: Thread): void {
    thread.jobs--;
    if (thread.jobs > 0) return;
    thread.worker.unref();
    thread.timer = setTimeout(() => {
      this.#drop(thread); // it takes a while to end: no job must be given to it meanwhile
      void thread.worker.terminate();
    }, this.#options.idleMs);
    thread.timer.unref();
  }

  #drop(thread: Thread): void {
    const index = this.#threads.indexOf(thread);
    if (index >= 0) this.#threads.splice(index, 1);
  }
}

/** The daemon's end of a job's port. */
class Job {
  readonly #port: MessagePort;
  readonly #arrived: FromThread[] = [];
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => {
    this.#post({ kind: "abort" });
    this.#arrived.push(aborted);
    this.#wake();
  };
  readonly #release: () => void;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(port: MessagePort, signal: AbortSignal, release: () => void) {
    this.#port = port;
    this.#signal = signal;
    this.#release = release;
    port.on("message", (message: unknown) => this.#take(decodeFromThread(message)));
    port.on("close", () => this.#take(threadGone));
    signal.addEventListener("abort", this.#onAbort, { once: true });
    for (let free = WINDOW; free > 0; free--) this.#post({ kind: "want" });
  }

  /** Rejects with what failed. */
  async next(): Promise<FromThread> {
    while (this.#arrived.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const message = this.#arrived.shift() ?? threadGone;
    if (message.kind === "done" || message.kind === "failed") this.close();
    if (message.kind !== "failed") return message;
    this.#signal.throwIfAborted();
    throw errorOf(message);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let message = await this.next(); message.kind !== "done"; message = await this.next()) {
        if (message.kind !== "bytes") continue;
        this.#post({ kind: "want" });
        yield message.bytes;
      }
    } finally {
      this.close();
    }
  }

  /** Of a job that tells nothing. */
  async done(): Promise<void> {
    try {
      for (let message = await this.next(); message.kind !== "done"; ) message = await this.next();
    } finally {
      this.close();
    }
  }

  /** Sends the body as the thread asks for it; resolves when the thread is done with it. */
  async feed(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of inChunks(body)) {
        const message = await this.next();
        if (message.kind === "done") return;
        const chunk: ToThread = { kind: "bytes", bytes };
        this.#port.postMessage(chunk, [bytes.buffer]);
      }
      this.#post({ kind: "end" });
      for (let message = await this.next(); message.kind !== "done"; ) message = await this.next();
    } finally {
      this.close();
    }
  }

  /** Idempotent. A thread that is not done stops. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#port.close();
    this.#release();
  }

  #post(message: ToThread): void {
    this.#port.postMessage(message);
  }

  #take(message: FromThread): void {
    this.#arrived.push(message);
    this.#wake();
  }
}

const failed = { kind: "failed", errorKind: "system", code: "", why: "" } as const;
const threadGone: ThreadFailure = { ...failed, message: "the thread that reads files ended" };
const aborted: ThreadFailure = { ...failed, message: "context canceled" };

function errorOf({ message, errorKind, code, why }: ThreadFailure): Error {
  if (errorKind !== "") return new EngineError(errorKind, message);
  if (code === "") return new Error(message);
  const call = message.slice(why.length + 2, -`(2): ${code}`.length);
  return new PlanError({ index: 0, why, call, code });
}

/** In buffers of their own, which can be given away: large pieces as they are, small ones together. */
async function* inChunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunk = nothing;
  let used = 0;
  for await (const bytes of body) {
    const whole = bytes.length < LARGE ? undefined : wholeBuffer(bytes);
    if (used > 0 && (whole !== undefined || bytes.length > CHUNK - used)) {
      yield chunk.subarray(0, used);
      [chunk, used] = [nothing, 0];
    }
    if (whole !== undefined || bytes.length > CHUNK) {
      yield whole ?? new Uint8Array(bytes);
      continue;
    }
    if (chunk === nothing) chunk = new Uint8Array(CHUNK);
    chunk.set(bytes, used);
    used += bytes.length;
  }
  if (used > 0) yield chunk.subarray(0, used);
}

const LARGE = 16 << 10;
const nothing = new Uint8Array(0);

/** Of bytes that share their memory with no others; as those that come from a connection. */
const wholeBuffer = ({ buffer, byteLength }: Uint8Array): Uint8Array<ArrayBuffer> | undefined =>
  buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? new Uint8Array(buffer) : undefined;
