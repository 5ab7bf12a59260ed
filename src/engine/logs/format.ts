// Log entries as bytes of the logs stream.

import { encodeFrame } from "#formats/log-frames.ts";
import type { LogEntry } from "./entry.ts";

export interface LogFormat {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  /** The attributes before each line: "env=prod,label=x ". */
  readonly details: boolean;
  /** A terminal's output is one raw stream. */
  readonly tty: boolean;
}

/** undefined if none of the entries is wanted. */
export function formatEntries(entries: readonly LogEntry[], format: LogFormat): Uint8Array | undefined {
  const wanted = entries.filter(({ stream }) => (stream === "stdout" ? format.stdout : format.stderr));
  if (wanted.length === 0) return undefined;
  return Buffer.concat(
    wanted.map((entry) => {
      const text = Buffer.from(formatText(entry, format));
      return format.tty ? text : encodeFrame(entry.stream === "stdout" ? 1 : 2, text);
    }),
  );
}

function formatText(entry: LogEntry, format: LogFormat): string {
  const details = format.details ? `${formatDetails(entry.attrs)} ` : "";
  const time = format.timestamps ? `${padTime(entry.time)} ` : "";
  return `${time}${details}${entry.text}`;
}

/** Nine digits of a second always, so that columns line up. */
function padTime(time: string): string {
  const match = /^(.*?)(?:\.(\d+))?Z$/.exec(time);
  return match === null ? time : `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}Z`;
}

const escapeDetail = (text: string): string => encodeURIComponent(text).replaceAll("%20", "+");

const formatDetails = (attrs: Readonly<Record<string, unknown>>): string =>
  Object.keys(attrs)
    .sort()
    .map((key) => `${escapeDetail(key)}=${escapeDetail(String(attrs[key]))}`)
    .join(",");
