// Deletes a directory tree. Synchronous calls in short slices: for the few files of a container several times cheaper than one
// trip through the thread pool for each, and the event loop stays free in between. Names need not be UTF-8.

import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Longest time that one slice keeps the event loop, in milliseconds. */
const slice = 4;
/** Freeing a large file's blocks takes the kernel long: a thread waits for that. */
const largeFile = 64 * 1024 * 1024;
const separator = Buffer.from("/");

/** Resolves when nothing of it is left, also if there was nothing. Symbolic links are deleted, not followed. */
export async function removeTree(path: string): Promise<void> {
  const root = lstatSync(path, { throwIfNoEntry: false });
  if (root === undefined) return;
  if (!root.isDirectory()) return unlink(path);
  let sliceEnd = performance.now() + slice;
  for (const large of removal(Buffer.from(path))) {
    if (large !== undefined) await unlink(large);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + slice;
  }
}

/** Yields after each entry: the path of a file that is too large to be deleted here, or nothing. */
function* removal(directory: Buffer): Generator<Buffer | undefined> {
  for (const entry of entriesOf(directory)) {
    const path = Buffer.concat([directory, separator, entry.name]);
    if (entry.isDirectory()) yield* removal(path);
    else if (entry.isFile() && lstatSync(path).size > largeFile) yield path;
    else unlinkSync(path);
    yield undefined;
  }
  ignoreMissing(() => rmdirSync(directory));
}

function entriesOf(directory: Buffer) {
  return ignoreMissing(() => readdirSync(directory, { withFileTypes: true, encoding: "buffer" })) ?? [];
}

function ignoreMissing<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
