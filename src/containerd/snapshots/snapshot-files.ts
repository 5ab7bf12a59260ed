// The directories of snapshots: <root>/<number>/{fs,work}; <root>/gone-<number> waits to be deleted.

import { randomUUID } from "node:crypto";
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

  path(name: string): string {
    return join(this.#root, name);
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

  /** Deletes what an earlier run left behind. A number that was never recorded is given again: its place must be free at once. */
  sweep(isKnown: (id: number) => boolean): void {
    for (const name of this.strangers(isKnown)) {
      const gone = join(this.#root, `gone-${randomUUID()}`);
      renameSync(join(this.#root, name), gone);
      this.#delete(gone);
    }
  }

  /** Names of the directories that `isKnown` does not claim. */
  strangers(isKnown: (id: number) => boolean): readonly string[] {
    return readdirSync(this.#root).filter((name) => !(/^\d+$/.test(name) && isKnown(Number(name))));
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
