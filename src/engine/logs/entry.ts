// One line of a json-file log: {"log":"text\n","stream":"stdout","attrs":{…},"time":"2026-…Z"}.

import { parseTime } from "#base/clock.ts";
import { isRecord } from "#base/decode.ts";

export interface LogEntry {
  /** With its newline; a line over 16 KiB comes in parts, only the last of which has one. */
  readonly text: string;
  readonly stream: "stdout" | "stderr";
  readonly time: string;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** undefined for a line that is none: cut off by a crash, or written by someone else. */
export function parseLogEntry(line: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { log, stream, time, attrs } = value;
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  return {
    text: log,
    stream: stream === "stderr" ? "stderr" : "stdout",
    time,
    attrs: isRecord(attrs) ? attrs : {},
  };
}

export const entryTime = (entry: LogEntry): bigint => parseTime(entry.time) ?? 0n;
