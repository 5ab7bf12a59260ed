// A JSON string's bytes -> the bytes that it stands for, without a string in between.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export interface Copied {
  /** Behind the closing quote. */
  readonly at: number;
  /** Behind what was written. */
  readonly to: number;
}

/** `from`: behind the opening quote. `out` has room for as many bytes as the source's: nothing becomes longer. */
export function copyJsonString(source: Uint8Array, from: number, out: Uint8Array, start: number): Copied {
  let at = from;
  let to = start;
  for (;;) {
    const byte = source[at++] ?? QUOTE;
    if (byte === QUOTE) return { at, to };
    if (byte !== BACKSLASH) {
      out[to++] = byte;
      continue;
    }
    const escaped = source[at++] ?? QUOTE;
    if (escaped !== 0x75) {
      out[to++] = shortEscapes.get(escaped) ?? escaped;
      continue;
    }
    const point = codePointAt(source, at);
    at += point > 0xffff ? 10 : 4;
    to = putUtf8(out, to, point);
  }
}

/** What does not stand for itself: \n \t \r \b \f. */
const shortEscapes: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x74, 0x09],
  [0x72, 0x0d],
  [0x62, 0x08],
  [0x66, 0x0c],
]);

const REPLACEMENT = 0xfffd;

/** Of four hexadecimal digits, or of two such groups with \u between them: a surrogate pair. Half of a pair is U+FFFD. */
function codePointAt(source: Uint8Array, at: number): number {
  const unit = hexAt(source, at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const isPair = unit < 0xdc00 && source[at + 4] === BACKSLASH && source[at + 5] === 0x75;
  const low = isPair ? hexAt(source, at + 6) : 0;
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : REPLACEMENT;
}

function hexAt(source: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index++) {
    const byte = source[index] ?? 0x30;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

function putUtf8(out: Uint8Array, start: number, point: number): number {
  let to = start;
  if (point < 0x80) {
    out[to++] = point;
    return to;
  }
  if (point < 0x800) out[to++] = 0xc0 | (point >> 6);
  else {
    if (point < 0x10000) out[to++] = 0xe0 | (point >> 12);
    else {
      out[to++] = 0xf0 | (point >> 18);
      out[to++] = 0x80 | ((point >> 12) & 0x3f);
    }
    out[to++] = 0x80 | ((point >> 6) & 0x3f);
  }
  out[to++] = 0x80 | (point & 0x3f);
  return to;
}
