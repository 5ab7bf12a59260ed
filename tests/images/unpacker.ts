// A zygote and unpack threads in a folder of their own; layers made by hand, entry by entry.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContentStore } from "#containerd/content/content.ts";
import { LocalDiff, type LocalDiffDeps } from "#containerd/diff/local.ts";
import type { Unpacked } from "#containerd/diff/unpack.ts";
import { UnpackPool } from "#containerd/diff/unpack-pool.ts";
import type { TarEntry } from "#formats/tar-entry.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import type { Mount } from "#spec/oci-runtime.ts";

export const skip = process.getuid?.() !== 0 && "needs root";
export const never = new AbortController().signal;

const program = join(import.meta.dirname, "../../native/build/gantry-exec");
const workerUrl = new URL("../../src/main/unpack-worker.ts", import.meta.url);

/** Uncompressed bytes of a layer. */
const maxLayerSize = 1 << 30;

export class Unpacker implements AsyncDisposable {
  readonly folder: string;
  readonly pool: UnpackPool;
  readonly #zygote: AsyncDisposable;
  #count = 0;

  private constructor(folder: string, executorSocket: string, zygote: AsyncDisposable) {
    this.folder = folder;
    this.pool = new UnpackPool({ workerUrl, executorSocket, maxWorkers: 2, idleMs: 1000 });
    this.#zygote = zygote;
  }

  static async start(): Promise<Unpacker> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-unpack-"));
    const socket = join(folder, "zygote.sock");
    await mkdir(join(folder, "work"));
    return new Unpacker(folder, socket, await startZygote({ binary: program, socket }));
  }

  openDiff(
    content: ContentStore,
    root: string,
    restore: LocalDiffDeps["restore"] = async () => ({ [Symbol.dispose]: () => undefined }),
  ): LocalDiff {
    const contentRoot = join(root, "root/content");
    return new LocalDiff({
      content,
      restore,
      contentRoot,
      workDir: join(this.folder, "work"),
      pool: this.pool,
      trees: { packLayer: () => assert.fail("nothing is packed here") },
      scratch: this.folder,
      maxLayerSize,
      maxRatio: () => 0,
    });
  }

  /** Unpacks an archive onto mounts. */
  async unpack(archive: Uint8Array, mounts: readonly Mount[]): Promise<Unpacked> {
    const blob = join(this.folder, `blob-${this.#count++}`);
    await writeFile(blob, archive);
    const job = { blob, mounts, target: join(this.folder, "work/mnt"), maxSize: maxLayerSize, maxRatio: 0 };
    return await this.pool.run(job, () => undefined, never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
    await this.#zygote[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A directory as the only layer. */
export const onto = (directory: string): readonly Mount[] => [
  { destination: "", type: "bind", source: directory, options: ["rw", "rbind"] },
];

/** A directory on top of others, the nearest first. */
export const over = (upper: string, work: string, lower: readonly string[]): readonly Mount[] => [
  {
    destination: "",
    type: "overlay",
    source: "overlay",
    options: [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(":")}`],
  },
];

export type LayerEntry = Pick<TarEntry, "name" | "type"> &
  Partial<TarEntry> & { readonly content?: string | Buffer };

export function makeArchive(entries: readonly LayerEntry[]): Buffer {
  const parts = entries.flatMap(({ content = "", ...entry }) => {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const size = entry.type === "file" ? bytes.length : 0;
    return [encodeTarEntry(tarEntry({ ...entry, size })), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

export const file = (name: string, content: string | Buffer = name): LayerEntry => ({
  name,
  type: "file",
  content,
});
export const directory = (name: string): LayerEntry => ({ name, type: "directory" });
export const symlink = (name: string, linkName: string): LayerEntry => ({ name, type: "symlink", linkName });
export const hardlink = (name: string, linkName: string): LayerEntry => ({
  name,
  type: "hardlink",
  linkName,
});

/** Names below a directory, directories with a slash. */
export async function listTree(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .map(
      (entry) =>
        `${join(entry.parentPath, entry.name).slice(root.length + 1)}${entry.isDirectory() ? "/" : ""}`,
    )
    .sort();
}
