// Values of log options, read as Go's strconv, units and time packages read them, with their messages.

import { invalid } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseBinarySize, parseDecimalSize, parseGoDuration } from "#formats/units.ts";

export function readBoolean(text: string): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined)
    throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

export function readInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw invalid(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

export function readUnsigned(text: string): number {
  if (!/^\d+$/.test(text))
    throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 0xffffffff)
    throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}

/** "20m" is 20,000,000. */
export function readDecimalSize(text: string): number {
  const value = parseDecimalSize(text);
  if (value === undefined) throw invalid(`invalid size: '${text}'`);
  return value;
}

/** "1m" is 1,048,576. */
export function readBinarySize(text: string): number {
  const value = parseBinarySize(text);
  if (value === undefined) throw invalid(`invalid size: '${text}'`);
  return value;
}

/** Milliseconds. */
export function readDuration(text: string): number {
  const value = parseGoDuration(text);
  if (value !== undefined) return value / 1e6;
  const why = /^[+-]?[\d.]+$/.test(text) ? "missing unit in" : "invalid";
  throw invalid(`time: ${why} duration ${JSON.stringify(text)}`);
}

export interface LogAddress {
  readonly scheme: string;
  /** Without brackets. */
  readonly host: string;
  /** "" if there is none. */
  readonly port: string;
  readonly path: string;
}

/** "tcp://host:514/path"; a text without "scheme://" is refused in Go's words. */
export function readAddress(text: string): LogAddress {
  const found = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/(\[[^\]]*\]|[^/:?#]*)(?::([^/?#]*))?([^?#]*)/.exec(text);
  if (found === null) {
    if (/^[^/]*:/.test(text) && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text))
      throw invalid(`parse ${JSON.stringify(text)}: first path segment in URL cannot contain colon`);
    const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? "";
    return { scheme, host: "", port: "", path: scheme === "" ? text : "" };
  }
  const [, scheme = "", host = "", port = "", path = ""] = found;
  if (port !== "" && !/^\d+$/.test(port))
    throw invalid(`parse ${JSON.stringify(text)}: invalid port ":${port}" after host`);
  return { scheme: scheme.toLowerCase(), host: host.replace(/^\[(.*)\]$/, "$1"), port, path };
}

export const joinHostPort = (host: string, port: string | number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
