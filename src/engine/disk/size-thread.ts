// The thread that measures directories. It starts with the first one, and never holds up the process's end.

import { Worker } from "node:worker_threads";
import { number, object } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import type { Measurer } from "./directory-sizes.ts";

const decodeReply = object({ id: number, bytes: number }, {});

export class SizeThread implements Measurer, Disposable {
  readonly #script: URL;
  readonly #waiting = new Map<number, PromiseWithResolvers<number>>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** `script`: size-worker.ts, or its bundle. */
  constructor(script: URL) {
    this.#script = script;
  }

  /** Bytes of the files below the path; 0 if it is not there. */
  measure(path: string): Promise<number> {
    this.#lastId += 1;
    const answer = Promise.withResolvers<number>();
    this.#waiting.set(this.#lastId, answer);
    const worker = this.#start();
    worker.ref();
    worker.postMessage({ id: this.#lastId, path });
    return answer.promise;
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#script, { name: "disk usage" });
    worker.on("message", (message: unknown) => {
      const { id, bytes } = decodeReply(message, "reply");
      this.#waiting.get(id)?.resolve(bytes);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
    });
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("the thread has ended")));
    this.#worker = worker;
    return worker;
  }

  #fail(cause: unknown): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values())
      reject(systemError("cannot measure directories", { cause }));
    this.#waiting.clear();
  }
}
