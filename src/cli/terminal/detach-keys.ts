// The key sequence that leaves a container running and its terminal behind: "ctrl-p,ctrl-q".

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

const CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

function parseKey(key: string): number {
  if (/^ctrl-.$/i.test(key)) {
    const code = CONTROL.indexOf(key.charAt(5).toLowerCase());
    if (code >= 0) return code;
  }
  if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
  throw new Error(`Unknown character: '${key}'`);
}

/** "a,ctrl-q" to the bytes that a terminal sends. Throws an Error in Docker's words. */
export function parseDetachKeys(text: string): readonly number[] {
  try {
    return text.split(",").map(parseKey);
  } catch (error) {
    throw new Error(`invalid detach keys (${text}): ${error instanceof Error ? error.message : ""}`, {
      cause: error,
    });
  }
}

/** Takes the detach sequence out of what is typed. Keys that could begin it are held back until it is clear. */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** `bytes` are to be sent on; after `detached` nothing more is. */
  feed(chunk: Uint8Array): { readonly bytes: Uint8Array; readonly detached: boolean } {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        bytes.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) {
        bytes.push(byte);
        continue;
      }
      this.#matched++;
      if (this.#matched === this.#keys.length) return { bytes: Uint8Array.from(bytes), detached: true };
    }
    return { bytes: Uint8Array.from(bytes), detached: false };
  }
}
