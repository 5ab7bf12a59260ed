// The content store's side of its hashing thread. The thread starts with the first large blob and never holds up the process's end.

import { Worker } from "node:worker_threads";
import { systemError } from "#base/errors.ts";
import { decodeHashReply, type HashRequest } from "./hash-protocol.ts";

/** The sha256 of a file that grows. */
export interface GrowingHash {
  /** The file's bytes up to `end` are written. */
  advance(end: number): void;
  /** Resolves with the hex digest of the first `end` bytes. */
  finish(end: number): Promise<string>;
  drop(): void;
}

export class HashThread implements AsyncDisposable {
  readonly #script: URL;
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(script: URL) {
    this.#script = script;
  }

  open(path: string): GrowingHash {
    this.#lastId += 1;
    const id = this.#lastId;
    const post = (verb: HashRequest["verb"], end: number): void => {
      this.#start().postMessage({ id, verb, path, end } satisfies HashRequest);
    };
    post("open", 0);
    return {
      advance: (end) => post("advance", end),
      drop: () => post("drop", 0),
      finish: (end) => {
        const answer = Promise.withResolvers<string>();
        this.#waiting.set(id, answer);
        this.#worker?.ref();
        post("finish", end);
        return answer.promise;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#script, { name: "content hash", execArgv: [] });
    worker.unref();
    worker.on("message", (message: unknown) => this.#answer(message));
    worker.on("error", (error) => this.#fail(worker, error));
    worker.on("exit", () => this.#fail(worker, new Error("the hashing thread has ended")));
    this.#worker = worker;
    return worker;
  }

  #answer(message: unknown): void {
    const { id, digest, error } = decodeHashReply(message, "reply");
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (digest === undefined) waiting?.reject(systemError(`cannot verify content: ${error ?? "no digest"}`));
    else waiting?.resolve(digest);
  }

  /** Writers that wait are told; the next blob starts a new thread, which does not hear of the earlier one's end. */
  #fail(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(systemError("cannot verify content", { cause }));
    this.#waiting.clear();
  }
}
