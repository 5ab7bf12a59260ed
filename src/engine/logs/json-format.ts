// Lines of the json-file log -> JSON texts of the logs stream, one for each (API 1.54).

import { entryTime, parseLogEntry } from "./entry.ts";
import type { LogFormat } from "./format.ts";
import { type LogRange, TimeRange, timeText } from "./time-range.ts";

export class JsonLogFormatter {
  readonly #format: Pick<LogFormat, "stdout" | "stderr" | "details">;
  readonly #range: TimeRange;
  readonly #frame: (text: string) => string;

  /** `frame`: what a text becomes in the client's kind of stream. */
  constructor(
    format: Pick<LogFormat, "stdout" | "stderr" | "details">,
    range: LogRange,
    frame: (text: string) => string,
  ) {
    this.#format = format;
    this.#range = new TimeRange(range);
    this.#frame = frame;
  }

  get ended(): boolean {
    return this.#range.ended;
  }

  /** Complete lines -> what the client gets; empty if none of them is wanted. */
  format(lines: Buffer): Uint8Array {
    const texts: string[] = [];
    for (const line of lines.toString("utf8").split("\n")) {
      const text = this.#encode(line);
      if (this.ended) break;
      if (text !== undefined) texts.push(this.#frame(text));
    }
    return Buffer.from(texts.join(""));
  }

  #encode(line: string): string | undefined {
    const entry = parseLogEntry(line);
    if (entry === undefined || !this.#range.includes(timeText(entryTime(entry)))) return undefined;
    const { text, stream, time, attrs } = entry;
    const { stdout, stderr, details } = this.#format;
    if (stream === "stdout" ? !stdout : !stderr) return undefined;
    const keys = details ? Object.keys(attrs).sort() : [];
    return JSON.stringify({
      Line: text,
      Source: stream,
      Timestamp: time,
      ...(keys.length > 0 && { Attrs: keys.map((Key) => ({ Key, Value: String(attrs[Key]) })) }),
    });
  }
}
