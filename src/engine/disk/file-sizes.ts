// How much a directory's files take, as Docker counts: apparent sizes, a file with several names once, directories not at all.

import { type Dir, lstatSync, opendirSync } from "node:fs";
import { join } from "node:path";

interface OpenDirectory {
  readonly path: string;
  readonly dir: Dir;
}

/** One directory tree on its way: `advance` looks at a few more entries, so that several walks can take turns. */
export class FileSizes {
  readonly #waiting: string[];
  readonly #seen = new Set<string>();
  #open: OpenDirectory | undefined;
  #total = 0;

  constructor(root: string) {
    this.#waiting = [root];
  }

  get total(): number {
    return this.#total;
  }

  /** False when the tree has been seen. What vanishes meanwhile, or cannot be read, does not count. */
  advance(entries: number): boolean {
    for (let left = entries; left > 0; left--) {
      this.#open ??= this.#next();
      if (this.#open === undefined) return false;
      const entry = this.#open.dir.readSync();
      if (entry === null) this.#close();
      else this.#count(join(this.#open.path, entry.name));
    }
    return true;
  }

  #next(): OpenDirectory | undefined {
    for (let path = this.#waiting.pop(); path !== undefined; path = this.#waiting.pop())
      try {
        return { path, dir: opendirSync(path, { bufferSize: 256 }) };
      } catch {
        // It is gone, or became something else.
      }
    return undefined;
  }

  #close(): void {
    this.#open?.dir.closeSync();
    this.#open = undefined;
  }

  #count(path: string): void {
    const stats = statIfThere(path);
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      this.#waiting.push(path);
      return;
    }
    if (stats.nlink > 1) {
      const inode = `${stats.dev} ${stats.ino}`;
      if (this.#seen.has(inode)) return;
      this.#seen.add(inode);
    }
    this.#total += stats.size;
  }
}

function statIfThere(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
