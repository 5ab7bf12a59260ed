// Lines of the json-file log -> bytes of the logs stream. Works on the bytes: a line as the shim writes it costs no string and no object.

import { entryTime, parseLogEntry } from "./entry.ts";
import { copyJsonString } from "./json-text.ts";
import { type LogRange, TimeRange, timeText } from "./time-range.ts";

export interface LogFormat {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  /** The attributes before each line: "env=prod,label=x ". */
  readonly details: boolean;
  /** A terminal's output is one raw stream. */
  readonly tty: boolean;
}

const HEADER_BYTES = 8;
/** "2026-01-01T00:00:00.000000000Z " */
const TIMESTAMP_BYTES = 31;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const ZERO = 0x30;

export class LogFormatter {
  readonly #format: LogFormat;
  readonly #range: TimeRange;
  #out = Buffer.alloc(0);
  #used = 0;

  constructor(format: LogFormat, range: LogRange) {
    this.#format = format;
    this.#range = new TimeRange(range);
  }

  get ended(): boolean {
    return this.#range.ended;
  }

  /** Complete lines -> what the client gets; empty if none of them is wanted. */
  format(lines: Buffer): Uint8Array {
    this.#out = Buffer.allocUnsafeSlow(lines.length + 1024);
    this.#used = 0;
    for (let start = 0; start < lines.length && !this.ended; ) {
      const end = lines.indexOf(NEWLINE, start);
      this.#reserve(end - start + HEADER_BYTES + TIMESTAMP_BYTES);
      if (!this.#formatPlain(lines, start, end)) this.#formatAny(lines.toString("utf8", start, end));
      start = end + 1;
    }
    return this.#out.subarray(0, this.#used);
  }

  #reserve(bytes: number): void {
    if (this.#out.length - this.#used >= bytes) return;
    const larger = Buffer.allocUnsafeSlow((this.#used + bytes) * 2);
    larger.set(this.#out.subarray(0, this.#used));
    this.#out = larger;
  }

  /**
   *   {"log":"text\n","stream":"stdout",…,"time":"2026-01-01T00:00:00.5Z"}
   *   start    8                         time                           end
   *
   * False if the line is not so, or needs more than that; nothing was done then.
   */
  #formatPlain(lines: Buffer, start: number, end: number): boolean {
    const { details, timestamps, tty } = this.#format;
    if (details || lines[start + 2] !== 0x6c || lines[start + 7] !== QUOTE) return false;
    const time = timeStart(lines, end);
    if (time < 0) return false;
    const timeEnd = end - 3;
    if (this.#range.isLimited && !this.#range.includes(lines.subarray(time, timeEnd))) return true;
    const head = this.#used;
    const from = head + (tty ? 0 : HEADER_BYTES);
    const text = timestamps ? from + TIMESTAMP_BYTES : from;
    const { at, to } = copyJsonString(lines, start + 8, this.#out, text);
    const stream = streamAt(lines, at);
    if (stream === 0) return false;
    if (stream === 1 ? !this.#format.stdout : !this.#format.stderr) return true;
    if (timestamps) this.#putTime(lines.subarray(time, timeEnd), from);
    if (!tty) this.#putHeader(head, stream, to - from);
    this.#used = to;
    return true;
  }

  #putHeader(at: number, stream: 1 | 2, length: number): void {
    this.#out.writeUInt32BE(stream * 0x1000000, at);
    this.#out.writeUInt32BE(length, at + 4);
  }

  /** Nine digits of a second always, so that columns line up. */
  #putTime(time: Buffer, at: number): void {
    const end = at + TIMESTAMP_BYTES;
    this.#out.fill(ZERO, at, end);
    this.#out[at + 19] = 0x2e;
    this.#out.set(time, at);
    this.#out.write("Z ", end - 2, "latin1");
  }

  #formatAny(line: string): void {
    const entry = parseLogEntry(line);
    if (entry === undefined) return;
    const { timestamps, details, tty, stdout, stderr } = this.#format;
    const time = timeText(entryTime(entry));
    if (!this.#range.includes(time) || (entry.stream === "stdout" ? !stdout : !stderr)) return;
    const prefix = details ? `${formatDetails(entry.attrs)} ` : "";
    const text = Buffer.from(`${prefix}${entry.text}`);
    this.#reserve(text.length + HEADER_BYTES + TIMESTAMP_BYTES);
    const from = this.#used + (tty ? 0 : HEADER_BYTES);
    const to = from + (timestamps ? TIMESTAMP_BYTES : 0);
    if (timestamps) this.#putTime(time, from);
    this.#out.set(text, to);
    const length = to + text.length - from;
    if (!tty) this.#putHeader(this.#used, entry.stream === "stdout" ? 1 : 2, length);
    this.#used = from + length;
  }
}

/** Where the time of the line begins whose newline is at `end`; -1 if it does not end as the shim's do. */
function timeStart(lines: Buffer, end: number): number {
  if (lines[end - 1] !== 0x7d || lines[end - 2] !== QUOTE || lines[end - 3] !== 0x5a) return -1;
  for (let at = end - 4; at >= end - 33; at--)
    if (lines[at] === QUOTE) return end - 3 - at > 19 ? at + 1 : -1;
  return -1;
}

/** What follows the text: ,"stream":"stdout" is 1, ,"stream":"stderr" 2, anything else 0. */
function streamAt(lines: Buffer, at: number): 0 | 1 | 2 {
  if (lines[at + 2] !== 0x73 || lines[at + 11] !== 0x73 || lines[at + 17] !== QUOTE) return 0;
  return lines[at + 14] === 0x6f ? 1 : lines[at + 14] === 0x65 ? 2 : 0;
}

/** As Go's url.QueryEscape. */
const escapeDetail = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const formatDetails = (attrs: Readonly<Record<string, unknown>>): string =>
  Object.keys(attrs)
    .sort()
    .map((key) => `${escapeDetail(key)}=${escapeDetail(String(attrs[key]))}`)
    .join(",");
