// Small texts of Docker's tables: shortened ids, quoted commands, times, ports.

import { formatDuration } from "#formats/units.ts";
import type { PortSummary } from "#spec/engine-api/definitions.table.ts";

const SHORT_ID = 12;

/** "sha256:c84d3c…" or "c84d3c…" to its first twelve digits. */
export const shortId = (id: string): string => id.replace(/^[a-z0-9]+:/, "").slice(0, SHORT_ID);

/** At most `length` characters, the last an ellipsis if something was cut. */
export function ellipsis(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return length <= 1 ? characters.slice(0, length).join("") : `${characters.slice(0, length - 1).join("")}…`;
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A Go string literal. */
export function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is to be escaped
  const escaped = text.replace(/[\x00-\x1f"\\\x7f]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
    return GO_ESCAPES[character] ?? `\\x${hex}`;
  });
  return `"${escaped}"`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** "2006-01-02 15:04:05 +0000 UTC" in the local zone, as Go prints a time; `fraction` is what follows the seconds. */
export function formatTime(milliseconds: number, fraction = ""): string {
  const date = new Date(milliseconds);
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}${fraction} ${zone} ${zoneName(date, offset)}`;
}

function zoneName(date: Date, offset: number): string {
  if (offset === 0) return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/** RFC 3339 with nanoseconds, as the daemon writes it, to Go's form; "" if there is none. */
export function formatTimestamp(text: string | null | undefined): string {
  if (text === null || text === undefined || text === "") return "";
  const fraction = /\.\d+/.exec(text)?.[0].replace(/\.?0+$/, "") ?? "";
  return formatTime(Date.parse(text), fraction);
}

/** "3 minutes ago". */
export const formatAgo = (now: number, milliseconds: number): string =>
  `${formatDuration(now - milliseconds)} ago`;

export const formatLabels = (labels: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");

const joinHostPort = (host: string, port: string | number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

interface PortRun {
  readonly ip: string;
  readonly type: string;
  readonly first: number;
  last: number;
}

const describeRun = ({ ip, type, first, last }: PortRun): string => {
  const ports = first === last ? String(first) : `${first}-${last}`;
  return `${ip === "" ? ports : `${joinHostPort(ip, ports)}->${ports}`}/${type}`;
};

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** "0.0.0.0:80->80/tcp, 443/tcp"; neighbours that are published under their own number are shown as ranges. */
export function formatPorts(ports: readonly PortSummary[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compareText(a.IP ?? "", b.IP ?? "") ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compareText(a.Type, b.Type),
  );
  const done: string[] = [];
  const mapped: string[] = [];
  const runs = new Map<string, PortRun>();
  for (const { IP: ip = "", PrivatePort: port, PublicPort: published, Type: type } of sorted) {
    if (ip !== "" && published !== port) {
      mapped.push(`${joinHostPort(ip, published ?? 0)}->${port}/${type}`);
      continue;
    }
    const key = `${ip}/${type}`;
    const run = runs.get(key);
    if (run !== undefined && port === run.last + 1) {
      run.last = port;
      continue;
    }
    if (run !== undefined) done.push(describeRun(run));
    runs.set(key, { ip, type, first: port, last: port });
  }
  return [...done, ...[...runs.values()].map(describeRun), ...mapped].join(", ");
}
