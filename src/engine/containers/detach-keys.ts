// The key sequence that detaches a client from a terminal.

import { Transform, type TransformCallback } from "node:stream";
import { EngineError, invalid } from "#base/errors.ts";

/** "ctrl-p,ctrl-q" (the default for ""), single characters, "ctrl-" with a letter or one of @[\]^_. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return Uint8Array.of(16, 17);
  return Uint8Array.from(
    text.split(",").map((key) => {
      const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
      if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      throw invalid(`Unknown character: '${key}'`);
    }),
  );
}

/** Passes bytes on until the sequence is complete; keys that only began it are passed on late. */
export class DetachScanner extends Transform {
  readonly #keys: Uint8Array;
  readonly #onDetach: () => void;
  #matched = 0;
  #detached = false;

  constructor(keys: Uint8Array, onDetach: () => void) {
    super();
    this.#keys = keys;
    this.#onDetach = onDetach;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const output: number[] = [];
    for (const byte of chunk) {
      if (this.#detached) break;
      this.#scan(byte, output);
    }
    callback(null, output.length === 0 ? undefined : Buffer.from(output));
  }

  #scan(byte: number, output: number[]): void {
    if (byte !== this.#keys[this.#matched]) {
      output.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = 0;
    }
    if (byte !== this.#keys[this.#matched]) {
      output.push(byte);
      return;
    }
    this.#matched++;
    if (this.#matched < this.#keys.length) return;
    this.#detached = true;
    this.#onDetach();
  }
}

/** As the parser, refusing in the words of a request: "Invalid detach keys (x) provided". */
export function checkedDetachKeys(what: "detach" | "escape", keys: string): Uint8Array {
  try {
    return parseDetachKeys(keys);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw invalid(`Invalid ${what} keys (${keys}) provided`, { cause: error });
  }
}
