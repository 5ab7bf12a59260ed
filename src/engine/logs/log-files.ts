// The files of a log: path, path.1, path.2, … from the newest to the oldest. Finds where to begin in them, and reads lines.

import { rmSync } from "node:fs";
import { type LogFile, openLogFile } from "./log-file.ts";

/** Newest first. */
export const logPaths = (path: string, maxFiles: number): readonly string[] =>
  Array.from({ length: maxFiles }, (_, index) => (index === 0 ? path : `${path}.${index}`));

/** Oldest first; the current one is last. A rotation meanwhile shows a file twice, under its next name, and hides none. */
export async function openLogFiles(path: string, maxFiles: number): Promise<readonly LogFile[]> {
  const files: LogFile[] = [];
  for (const name of logPaths(path, maxFiles)) await addFile(files, await openLogFile(name));
  return files;
}

async function addFile(files: LogFile[], file: LogFile | undefined): Promise<void> {
  if (file === undefined) return;
  if (files.some(({ id }) => id === file.id)) await file[Symbol.asyncDispose]();
  else files.unshift(file);
}

/** At once, so that nobody writes a new one in between. */
export function deleteLogFiles(path: string, maxFiles: number): void {
  for (const name of logPaths(path, maxFiles)) rmSync(name, { force: true });
}

/** Read at once. A line that does not fit in is no log entry: entries hold at most 16 KiB of text, each byte six characters when escaped. */
const CHUNK = 256 * 1024;
const TAIL_CHUNK = 64 * 1024;
const NEWLINE = 0x0a;

export interface LogLines {
  /** Complete lines. Only until the next ones are asked for: the buffer is used again. */
  readonly bytes: Buffer;
  /** The offset behind them. */
  readonly end: number;
}

/** The lines from `offset` on, as many at a time as are read at once; the result is the offset behind the last. */
export async function* readLines(file: LogFile, offset: number): AsyncGenerator<LogLines, number> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let kept = 0; // bytes of a line whose end is still to come
  let position = offset;
  for (;;) {
    const length = await file.read(buffer.subarray(kept), position);
    if (length === 0) return position - kept;
    position += length;
    const filled = kept + length;
    const end = buffer.subarray(0, filled).lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield { bytes: buffer.subarray(0, end), end: position - (filled - end) };
    buffer.copyWithin(0, end, filled);
    kept = filled - end === CHUNK ? 0 : filled - end;
  }
}

/** Where the last `count` lines of the file begin, and how many there are if it has fewer. Reads from the end. */
export async function findTail(
  file: LogFile,
  count: number,
): Promise<{ readonly offset: number; readonly lines: number }> {
  const size = await file.size();
  const buffer = Buffer.allocUnsafeSlow(TAIL_CHUNK);
  let position = size;
  let lines = -1; // the newline that ends the last line begins none
  while (position > 0) {
    const from = Math.max(0, position - TAIL_CHUNK);
    await fill(file, buffer.subarray(0, position - from), from);
    for (let index = position - from - 1; index >= 0; index--) {
      if (buffer[index] !== NEWLINE || ++lines < count) continue;
      return { offset: from + index + 1, lines: count };
    }
    position = from;
  }
  return { offset: 0, lines: Math.max(lines, 0) + (size > 0 ? 1 : 0) };
}

async function fill(file: LogFile, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const length = await file.read(buffer.subarray(filled), position + filled);
    if (length === 0) break;
    filled += length;
  }
  return filled;
}

/** A line at or before the first that is not before `since`, close to it; 0 if the whole file is later. Halves the file. */
export async function findSince(file: LogFile, since: string): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let low = 0;
  let high = await file.size();
  while (high - low > TAIL_CHUNK) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await lineAfter(file, buffer, middle);
    if (found !== undefined && found.start < high && isBefore(found.time, since)) low = found.start;
    else high = middle;
  }
  return low;
}

/** The time of the file's first line; undefined if it has none. */
export async function firstTime(file: LogFile): Promise<string | undefined> {
  const buffer = Buffer.allocUnsafeSlow(TAIL_CHUNK * 2);
  const filled = buffer.subarray(0, await fill(file, buffer, 0));
  return timeOf(filled.subarray(0, filled.indexOf(NEWLINE) + 1));
}

async function lineAfter(
  file: LogFile,
  buffer: Buffer,
  position: number,
): Promise<{ readonly start: number; readonly time: string } | undefined> {
  const filled = buffer.subarray(0, await fill(file, buffer, position));
  const start = filled.indexOf(NEWLINE) + 1;
  const end = filled.indexOf(NEWLINE, start) + 1;
  if (start === 0 || end === 0) return undefined;
  const time = timeOf(filled.subarray(start, end));
  return time === undefined ? undefined : { start: position + start, time };
}

/** Of a line with its newline: …,"time":"2026-01-01T00:00:00.5Z"} without the Z, so that texts compare as times do. */
function timeOf(line: Buffer): string | undefined {
  return /"time":"([-\dT:.]{19,29})Z"\}\n$/.exec(line.toString("latin1", Math.max(0, line.length - 64)))?.[1];
}

/** Both without their Z: "…:03" is before "…:03.5". */
const isBefore = (time: string, limit: string): boolean => time < limit;
