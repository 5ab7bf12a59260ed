// Reads a container's log: rotated files, tail, time range, follow.

import { stat } from "node:fs/promises";
import { type FollowOptions, LogChanges } from "./log-changes.ts";
import type { LogFile } from "./log-file.ts";
import { findSince, findTail, firstTime, type LogLines, openLogFiles, readLines } from "./log-files.ts";

export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
}

/** A place in a log: a file's identity, and an offset in its lines. */
export interface LogPosition {
  readonly file: string;
  readonly offset: number;
}

/** Where reading begins: at the beginning unless one of these is given. */
export interface LogStart {
  /** RFC 3339 without the Z: lines before this time may be left out, as far as that is cheap. */
  readonly since?: string;
  /** Lines from the end. */
  readonly tail?: number;
  /** Where an earlier reader stopped. */
  readonly after?: LogPosition;
}

export interface LogChunk extends LogLines {
  /** Of the file that they are in. */
  readonly file: string;
}

interface Opened {
  readonly file: LogFile;
  readonly offset: number;
}

/** Lines of both streams in the order they were written, many at a time. */
export async function* readLog(
  source: LogSource,
  start: LogStart,
  follow: FollowOptions | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  // Watching begins before reading, so that nothing written in between is missed.
  using changes = follow === undefined ? undefined : new LogChanges(source.path, follow, signal);
  await using cleanup = new AsyncDisposableStack();
  const files = await openLogFiles(source.path, source.maxFiles);
  for (const file of files) cleanup.use(file);
  const current = files.at(-1);
  const seen =
    follow === undefined && current !== undefined ? [...files.slice(0, -1), await asItIsNow(current)] : files;
  const opened = await findStart(seen, start);
  const { after } = start;
  if (after !== undefined && opened[0]?.file.id !== after.file) follow?.skipped?.();
  for (const [index, place] of opened.entries()) {
    signal.throwIfAborted();
    if (changes !== undefined && index === opened.length - 1)
      yield* followLines({ source, changes, skipped: follow?.skipped }, place, signal);
    else yield* chunksOf(place.file, place.offset);
  }
  if (changes !== undefined && opened.length === 0)
    yield* followLines({ source, changes, skipped: follow?.skipped }, undefined, signal);
}

/** What is written from now on is not in it: the last ten lines are ten, however fast more are written meanwhile. */
async function asItIsNow(file: LogFile): Promise<LogFile> {
  const size = await file.size();
  return {
    id: file.id,
    size: async () => size,
    read: async (buffer, position) =>
      position < size ? file.read(buffer.subarray(0, size - position), position) : 0,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

async function* chunksOf(file: LogFile, offset: number): AsyncGenerator<LogChunk, number> {
  const lines = readLines(file, offset);
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) return value;
    yield { ...value, file: file.id };
  }
}

/** The files to read, oldest first, and where. The current one is among them. */
async function findStart(files: readonly LogFile[], start: LogStart): Promise<readonly Opened[]> {
  if (start.after !== undefined) return resume(files, start.after);
  if (start.tail !== undefined) return findLast(files, start.tail);
  const { since } = start;
  if (since === undefined) return files.map((file) => ({ file, offset: 0 }));
  const opened: Opened[] = [];
  for (const file of files.toReversed()) {
    const first = await firstTime(file);
    const reaches = first !== undefined && first < since;
    opened.unshift({ file, offset: reaches ? await findSince(file, since) : 0 });
    if (reaches) break;
  }
  return opened;
}

/** All of them if the file of the position is gone. */
function resume(files: readonly LogFile[], { file: id, offset }: LogPosition): readonly Opened[] {
  const at = files.findIndex((file) => file.id === id);
  return files
    .slice(Math.max(at, 0))
    .map((file, index) => ({ file, offset: at >= 0 && index === 0 ? offset : 0 }));
}

async function findLast(files: readonly LogFile[], tail: number): Promise<readonly Opened[]> {
  const opened: Opened[] = [];
  let wanted = tail;
  for (const file of files.toReversed()) {
    if (wanted <= 0 && opened.length > 0) break;
    const { offset, lines } =
      wanted <= 0 ? { offset: await file.size(), lines: 0 } : await findTail(file, wanted);
    opened.unshift({ file, offset });
    wanted -= lines;
  }
  return opened;
}

interface Following {
  readonly source: LogSource;
  readonly changes: LogChanges;
  readonly skipped: (() => void) | undefined;
}

/** The current file to its end, again whenever it has grown, and its successors once it was rotated away. */
async function* followLines(
  following: Following,
  start: Opened | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const { changes } = following;
  let place = start;
  await using cleanup = new AsyncDisposableStack();
  while (!signal.aborted) {
    changes.clear();
    const ended = changes.ended(); // asked before reading: what is written by then is read
    if (place !== undefined)
      place = { ...place, offset: yield* chunksOf(place.file, await withinFile(place)) };
    const next = await findSuccessor(following, place?.file);
    if (next !== undefined) {
      cleanup.use(next.file);
      if (place !== undefined) yield* chunksOf(place.file, place.offset); // its last lines before it was rotated
      place = next;
    } else if (ended) return;
    else await changes.next();
  }
}

/** The beginning, if somebody has truncated it. */
async function withinFile({ file, offset }: Opened): Promise<number> {
  return (await file.size()) < offset ? 0 : offset;
}

/** The file written after this one; undefined while this is the current one. */
async function findSuccessor(
  { source, skipped }: Following,
  file: LogFile | undefined,
): Promise<Opened | undefined> {
  if (file !== undefined && (await isCurrent(source.path, file))) return undefined;
  const files = await openLogFiles(source.path, source.maxFiles);
  const own = files.findIndex(({ id }) => id === file?.id);
  // One that is gone altogether was followed by more than are kept: the oldest is the next that there is.
  const next = files[own + 1];
  if (own < 0 && file !== undefined && next !== undefined) skipped?.();
  await Promise.all(files.filter((other) => other !== next).map((other) => other[Symbol.asyncDispose]()));
  return next === undefined ? undefined : { file: next, offset: 0 };
}

async function isCurrent(path: string, { id }: LogFile): Promise<boolean> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return false;
  return id === `${found.ino}-${found.birthtimeNs}`;
}
