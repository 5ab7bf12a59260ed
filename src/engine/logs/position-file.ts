// Up to where a log was delivered. Written after each batch; a daemon that is killed goes on from there.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { isRecord } from "#base/decode.ts";
import type { LogPosition } from "./read.ts";

/** One write of a fixed size in place: never half an entry, and no room needed on a full disk. */
const BYTES = 128;

export class PositionFile implements Disposable {
  readonly #fd: number;
  #position: LogPosition | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, "a+", 0o640);
    this.#position = decode(readFileSync(this.#fd, "utf8"));
    closeSync(this.#fd);
    this.#fd = openSync(path, "r+");
  }

  get position(): LogPosition | undefined {
    return this.#position;
  }

  save(position: LogPosition): void {
    writeSync(this.#fd, JSON.stringify(position).padEnd(BYTES), 0);
    this.#position = position;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function decode(text: string): LogPosition | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || typeof value.file !== "string" || typeof value.offset !== "number")
      return undefined;
    return { file: value.file, offset: value.offset };
  } catch {
    return undefined; // never written
  }
}
