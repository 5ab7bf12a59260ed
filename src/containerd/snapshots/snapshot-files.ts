// The directories of snapshots: <root>/<number>/{fs,work}; <root>/gone-<number> waits to be deleted.

import { chownSync, lstatSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";

export class SnapshotFiles {
  readonly #root: string;
  readonly #remove: (path: string) => Promise<void>;
  readonly #deletions = new Set<Promise<void>>();

  /** `remove` deletes a tree; nothing waits for it. */
  constructor(root: string, remove: (path: string) => Promise<void>) {
    this.#root = root;
    this.#remove = remove;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  directory(id: number): string {
    return join(this.#root, String(id));
  }

  /** The new tree's root belongs to whom its parent's does. */
  make(id: number, kind: "active" | "view", parent: number | undefined): void {
    const directory = this.directory(id);
    mkdirSync(directory, { mode: 0o700 });
    const tree = join(directory, "fs");
    mkdirSync(tree, { mode: 0o755 });
    if (kind === "active") mkdirSync(join(directory, "work"), { mode: 0o711 });
    if (parent === undefined) return;
    const { uid, gid } = lstatSync(join(this.directory(parent), "fs"));
    if (uid !== 0 || gid !== 0) chownSync(tree, uid, gid);
  }

  /** The directory is out of the way when this returns, and deleted some time after. */
  discard(id: number): void {
    const gone = join(this.#root, `gone-${id}`);
    renameSync(this.directory(id), gone);
    this.#delete(gone);
  }

  /** Deletes what an earlier run left behind: directories that `isKnown` does not claim. */
  sweep(isKnown: (id: number) => boolean): void {
    for (const name of readdirSync(this.#root))
      if (!(/^\d+$/.test(name) && isKnown(Number(name)))) this.#delete(join(this.#root, name));
  }

  /** Resolves when every deletion under way has ended. */
  async settle(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  #delete(path: string): void {
    const deletion = this.#remove(path)
      // A tree that cannot be deleted now is swept at the next start.
      .catch(() => undefined)
      .finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }
}
