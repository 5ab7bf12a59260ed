// At most two worker threads that unpack layers; each is ended when it has had nothing to do for a while.

import { Worker } from "node:worker_threads";
import { systemError } from "#base/errors.ts";
import type { Unpacked, UnpackJob } from "./unpack.ts";
import { decodeWorkerReply, type WorkerRequest } from "./unpack-messages.ts";

export interface UnpackPoolOptions {
  /** The worker's program: src/main/unpack-worker.ts or what it was built to. */
  readonly workerUrl: URL;
  readonly executorSocket: string;
  readonly maxWorkers: number;
  readonly idleMs: number;
}

interface IdleWorker {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  /** Listens for the worker's end while it is idle. */
  readonly drop: () => void;
}

export class UnpackPool implements AsyncDisposable {
  readonly #options: UnpackPoolOptions;
  readonly #idle: IdleWorker[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(options: UnpackPoolOptions) {
    this.#options = options;
  }

  async run(job: UnpackJob, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<Unpacked> {
    await this.#enter(signal);
    try {
      return await this.#runOn(this.#takeWorker(), { job, onProgress }, signal);
    } finally {
      this.#leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ worker }) => worker.terminate()));
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#busy < this.#options.maxWorkers) {
      this.#busy++;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(resolve);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(resolve);
    await promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** A place is handed to the next in line, or given back. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy--;
    else next();
  }

  #takeWorker(): Worker {
    const idle = this.#idle.pop();
    if (idle === undefined) return new Worker(this.#options.workerUrl);
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
    const onError = (cause: unknown): void => reject(systemError("the unpack worker failed", { cause }));
    const onExit = (): void => reject(systemError("the unpack worker ended"));
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
      this.#park(worker);
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
