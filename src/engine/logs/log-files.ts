// The files of a json-file log: path, path.1, path.2, … from the newest to the oldest.

import { type FileHandle, open } from "node:fs/promises";

/** Newest first. */
export const logPaths = (path: string, maxFiles: number): readonly string[] =>
  Array.from({ length: maxFiles }, (_, index) => (index === 0 ? path : `${path}.${index}`));

/** Oldest first; the current one is last. */
export async function openLogFiles(path: string, maxFiles: number): Promise<readonly FileHandle[]> {
  const files: FileHandle[] = [];
  for (const name of logPaths(path, maxFiles)) {
    const file = await openIfThere(name);
    if (file !== undefined) files.unshift(file);
  }
  return files;
}

export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Read in pieces of this many bytes. */
const CHUNK = 64 * 1024;
/** A line that is longer is no log entry: entries hold at most 16 KiB of text, each byte six characters when escaped. */
const MAX_LINE = 256 * 1024;

/** Complete lines from `offset` on, as many at a time as are read at once; the result is the offset behind the last. */
export async function* readLines(
  file: FileHandle,
  offset: number,
): AsyncGenerator<readonly string[], number> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let rest = Buffer.alloc(0);
  let position = offset;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) return position - rest.length;
    position += bytesRead;
    const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const end = data.lastIndexOf(0x0a);
    if (end < 0) {
      rest = data.length > MAX_LINE ? Buffer.alloc(0) : data;
      continue;
    }
    rest = data.subarray(end + 1);
    yield data.toString("utf8", 0, end).split("\n");
  }
}

/** Where the last `count` lines of the file begin, and how many there are if it has fewer. Reads from the end. */
export async function findTail(
  file: FileHandle,
  count: number,
): Promise<{ readonly offset: number; readonly lines: number }> {
  const { size } = await file.stat();
  const buffer = Buffer.allocUnsafe(CHUNK);
  let position = size;
  let lines = -1; // the newline that ends the last line begins none
  while (position > 0) {
    const length = Math.min(CHUNK, position);
    position -= length;
    await file.read(buffer, 0, length, position);
    for (let index = length - 1; index >= 0; index--) {
      if (buffer[index] !== 0x0a || ++lines < count) continue;
      return { offset: position + index + 1, lines: count };
    }
  }
  return { offset: 0, lines: Math.max(lines, 0) + (size > 0 ? 1 : 0) };
}
