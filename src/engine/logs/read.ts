// Reads a container's json-file log: rotated files, tail, time range, follow.

import { type FileHandle, stat } from "node:fs/promises";
import { entryTime, type LogEntry, parseLogEntry } from "./entry.ts";
import { type FollowOptions, LogChanges } from "./log-changes.ts";
import { findTail, logPaths, openIfThere, openLogFiles, readLines } from "./log-files.ts";

export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
}

export interface LogRange {
  /** Nanoseconds since the epoch, both inclusive. */
  readonly since?: bigint;
  readonly until?: bigint;
  /** Lines from the end; undefined is all. */
  readonly tail?: number;
}

type Entries = readonly LogEntry[];

/** Entries of both streams in the order they were written, many at a time. */
export async function* readLog(
  source: LogSource,
  range: LogRange,
  follow: FollowOptions | undefined,
  signal: AbortSignal,
): AsyncGenerator<Entries> {
  const { since, until } = range;
  for await (const entries of readEntries(source, range.tail, follow, signal)) {
    const later = since === undefined ? entries : entries.filter((entry) => entryTime(entry) >= since);
    const end = until === undefined ? -1 : later.findIndex((entry) => entryTime(entry) > until);
    if (end !== 0 && later.length > 0) yield end < 0 ? later : later.slice(0, end);
    if (end >= 0) return;
  }
}

async function* readEntries(
  source: LogSource,
  tail: number | undefined,
  follow: FollowOptions | undefined,
  signal: AbortSignal,
): AsyncGenerator<Entries> {
  // Watching begins before reading, so that nothing written in between is missed.
  using changes = follow === undefined ? undefined : new LogChanges(source.path, follow, signal);
  await using cleanup = new AsyncDisposableStack();
  const files = await openLogFiles(source.path, source.maxFiles);
  for (const file of files) cleanup.use(file);
  const starts = await findStarts(files, tail);
  for (const [index, file] of files.slice(0, -1).entries()) {
    const offset = starts[index];
    if (offset !== undefined) yield* entriesOf(readLines(file, offset));
  }
  const current = files.at(-1);
  const offset = starts.at(-1) ?? 0;
  if (changes !== undefined) yield* followEntries(source, { file: current, offset }, changes, signal);
  else if (current !== undefined) yield* entriesOf(readLines(current, offset));
}

/** Where reading begins in each file; undefined skips it. */
async function findStarts(
  files: readonly FileHandle[],
  tail: number | undefined,
): Promise<readonly (number | undefined)[]> {
  if (tail === undefined) return files.map(() => 0);
  const starts: (number | undefined)[] = [];
  let wanted = tail;
  for (const file of files.toReversed()) {
    if (wanted <= 0) {
      starts.unshift(starts.length === 0 ? (await file.stat()).size : undefined);
      continue;
    }
    const { offset, lines } = await findTail(file, wanted);
    starts.unshift(offset);
    wanted -= lines;
  }
  return starts;
}

async function* entriesOf(lines: AsyncGenerator<readonly string[], number>): AsyncGenerator<Entries, number> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) return value;
    yield value.map(parseLogEntry).filter((entry) => entry !== undefined);
  }
}

/** The current file to its end, again whenever it has grown, and its successors once it was rotated away. */
async function* followEntries(
  source: LogSource,
  start: { readonly file: FileHandle | undefined; readonly offset: number },
  changes: LogChanges,
  signal: AbortSignal,
): AsyncGenerator<Entries> {
  let { file, offset } = start;
  await using cleanup = new AsyncDisposableStack();
  while (!signal.aborted) {
    changes.clear();
    const ended = changes.ended(); // asked before reading: what is written by then is read
    if (file !== undefined && (await file.stat()).size < offset) offset = 0; // truncated: a rotation that keeps one file
    if (file !== undefined) offset = yield* entriesOf(readLines(file, offset));
    const next = await findSuccessor(source, file);
    if (next !== undefined) {
      if (file !== undefined) yield* entriesOf(readLines(file, offset)); // its last lines before it was rotated
      cleanup.use(next);
      file = next;
      offset = 0;
    } else if (ended) return;
    else await changes.next();
  }
}

/** The file written after this one; undefined while this is the current one. */
async function findSuccessor(
  source: LogSource,
  file: FileHandle | undefined,
): Promise<FileHandle | undefined> {
  const own = file === undefined ? undefined : (await file.stat()).ino;
  let successor: { readonly path: string; readonly inode: number } | undefined;
  for (const path of logPaths(source.path, source.maxFiles)) {
    const inode = await inodeOf(path);
    if (inode === undefined) continue;
    if (inode === own) break;
    successor = { path, inode };
  }
  if (successor === undefined) return undefined;
  const opened = await openIfThere(successor.path);
  if (opened === undefined) return undefined;
  if ((await opened.stat()).ino === successor.inode) return opened;
  await opened.close(); // rotated between the two calls: look again
  return findSuccessor(source, file);
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.ino;
}
