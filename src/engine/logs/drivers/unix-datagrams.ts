// Messages to a unix datagram socket: /dev/log, the journal.

import { closeSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connectUnixDatagrams } from "#kernel/libc.ts";

/** While the receiver's queue is full. */
const PAUSE = 2;

export class UnixDatagrams implements Disposable {
  readonly #fd: number;

  /** Throws LibcError. */
  constructor(path: string) {
    this.#fd = connectUnixDatagrams(path);
  }

  async send(messages: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    for (const message of messages) {
      while (!this.#write(message)) await delay(PAUSE, undefined, { signal });
    }
  }

  /** False if there is no room now. */
  #write(message: Uint8Array): boolean {
    try {
      writeSync(this.#fd, message);
      return true;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EAGAIN" || code === "ENOBUFS") return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
