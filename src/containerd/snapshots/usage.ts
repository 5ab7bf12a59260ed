// Disk space of a directory tree.

import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../failures.ts";
import type { SnapshotUsage } from "./snapshotter.ts";

/** Longest time that the walk keeps the event loop, in milliseconds. */
const slice = 8;
const blockSize = 512;

/** Bytes allocated and inodes used; hard links count once. Synchronous calls in short slices: several times cheaper than the thread pool. */
export async function measureTree(root: string, signal: AbortSignal): Promise<SnapshotUsage> {
  const seen = new Set<string>();
  const pending = [root];
  let size = 0;
  let inodes = 0;
  let sliceEnd = performance.now() + slice;
  const add = (path: string): void => {
    const stat = findStat(path);
    if (stat === undefined) return;
    if (!stat.isDirectory() && stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      if (seen.has(key)) return;
      seen.add(key);
    }
    size += stat.blocks * blockSize;
    inodes += 1;
  };
  add(root);
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of readFolder(folder)) {
      const path = join(folder, entry.name);
      add(path);
      if (entry.isDirectory()) pending.push(path);
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        sliceEnd = performance.now() + slice;
      }
    }
  }
  return { size, inodes };
}

/** A running container changes its tree meanwhile: what has gone counts nothing. */
function findStat(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}

function readFolder(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}
