// Worker threads that unpack layers, up to a number; each is ended when it has had nothing to do for a while.

import { Worker } from "node:worker_threads";
import { isRecord } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import { Slots } from "#base/slots.ts";
import type { Unpacked, UnpackJob } from "./unpack.ts";
import { decodeWorkerReply, type WorkerRequest } from "./unpack-messages.ts";

export interface UnpackPoolOptions {
  /** The worker's program: src/main/unpack-worker.ts or what it was built to. */
  readonly workerUrl: URL;
  readonly executorSocket: string;
  readonly maxWorkers: number;
  readonly idleMs: number;
  /** Of what one remembers of a layer; a thread that needs more is ended. */
  readonly maxHeapMiB?: number;
}

/** Some six million entries. */
const HEAP_MIB = 1024;

interface IdleWorker {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  /** Listens for the worker's end while it is idle. */
  readonly drop: () => void;
}

export class UnpackPool implements AsyncDisposable {
  readonly #options: UnpackPoolOptions;
  readonly #idle: IdleWorker[] = [];
  readonly #slots: Slots;

  constructor(options: UnpackPoolOptions) {
    this.#options = options;
    this.#slots = new Slots(options.maxWorkers);
  }

  async run(job: UnpackJob, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<Unpacked> {
    using _slot = await this.#slots.acquire(signal);
    return await this.#runOn(this.#takeWorker(), { job, onProgress }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ worker }) => worker.terminate()));
  }

  #takeWorker(): Worker {
    const idle = this.#idle.pop();
    if (idle === undefined) {
      const { workerUrl, maxHeapMiB = HEAP_MIB } = this.#options;
      const resourceLimits = { maxOldGenerationSizeMb: maxHeapMiB };
      return new Worker(workerUrl, { execArgv: ["--disable-warning=ExperimentalWarning"], resourceLimits });
    }
    clearTimeout(idle.timer);
    idle.worker.off("error", idle.drop);
    idle.worker.off("exit", idle.drop);
    idle.worker.ref();
    return idle.worker;
  }

  async #runOn(
    worker: Worker,
    { job, onProgress }: { readonly job: UnpackJob; readonly onProgress: (bytes: number) => void },
    signal: AbortSignal,
  ): Promise<Unpacked> {
    const { promise, resolve, reject } = Promise.withResolvers<Unpacked>();
    const send = (request: WorkerRequest): void => worker.postMessage(request);
    const onAbort = (): void => send({ kind: "abort" });
    const onMessage = (message: unknown): void => {
      const reply = decodeWorkerReply(message);
      if (reply.kind === "progress") onProgress(reply.bytes);
      else if (reply.kind === "done")
        resolve({ digest: reply.digest, size: reply.size, fileSize: reply.fileSize });
      else reject(signal.aborted ? signal.reason : systemError(reply.message));
    };
    let usable = true;
    const onError = (cause: unknown): void => {
      usable = false;
      const outOfMemory = isRecord(cause) && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
      const why = outOfMemory ? "too many entries: out of memory" : "the unpack worker failed";
      reject(systemError(why, { cause }));
    };
    const onExit = (): void => {
      usable = false;
      reject(systemError("the unpack worker ended"));
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.on("exit", onExit);
    signal.addEventListener("abort", onAbort, { once: true });
    send({ kind: "start", job, executorSocket: this.#options.executorSocket });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      worker.off("message", onMessage);
      worker.off("error", onError);
      worker.off("exit", onExit);
      // One that has failed is about to exit or has: nothing would ever tell the next job.
      if (usable) this.#park(worker);
      else await worker.terminate();
    }
  }

  #park(worker: Worker): void {
    worker.unref();
    // A dead worker leaves the list; one that idles too long is ended.
    const drop = (): void => {
      const index = this.#idle.findIndex((idle) => idle.worker === worker);
      if (index >= 0) this.#idle.splice(index, 1);
      void worker.terminate();
    };
    worker.on("error", drop);
    worker.on("exit", drop);
    const timer = setTimeout(drop, this.#options.idleMs);
    timer.unref();
    this.#idle.push({ worker, timer, drop });
  }
}
