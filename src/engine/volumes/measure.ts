// How much space a volume's files take: apparent sizes, a file with several names once, as Docker counts.

import type { Stats } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

/** Files that vanish meanwhile do not count. */
export async function measureDirectory(path: string, signal: AbortSignal): Promise<number> {
  const seen = new Set<string>();
  const isFirst = (stats: Stats): boolean => {
    if (stats.nlink < 2) return true;
    const inode = `${stats.dev} ${stats.ino}`;
    return !seen.has(inode) && seen.add(inode).size > 0;
  };
  let total = 0;
  const waiting = [path];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop())
    for await (const { entry, stats } of entriesOf(directory)) {
      signal.throwIfAborted();
      if (stats.isDirectory()) waiting.push(entry);
      else if (isFirst(stats)) total += stats.size;
    }
  return total;
}

async function* entriesOf(
  directory: string,
): AsyncGenerator<{ readonly entry: string; readonly stats: Stats }> {
  try {
    for await (const { name } of await opendir(directory)) {
      const entry = join(directory, name);
      const stats = await lstat(entry).catch(() => undefined);
      if (stats !== undefined) yield { entry, stats };
    }
  } catch {
    // It is gone, or became something else.
  }
}
