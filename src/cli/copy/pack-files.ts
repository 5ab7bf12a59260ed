// Files of this machine as tar, in the order of names.

import type { BigIntStats } from "node:fs";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import type { TarEntry, TarEntryType } from "#formats/tar-entry.ts";
import { type TarMember, tarEntry } from "#formats/tar-writer.ts";

/** `name`: of the top entry. `followTop`: what a symlink at the top leads to is packed. */
export async function* packFiles(path: string, name: string, followTop: boolean): AsyncGenerator<TarMember> {
  const found = followTop ? await stat(path, { bigint: true }) : await lstat(path, { bigint: true });
  yield* packEntry({ path, name, found, linked: new Map() });
}

interface Packed {
  readonly path: string;
  readonly name: string;
  readonly found: BigIntStats;
  /** Names of the files that have several. */
  readonly linked: Map<string, string>;
}

async function* packEntry(packed: Packed): AsyncGenerator<TarMember> {
  const { path, name, found, linked } = packed;
  const type = typeOf(found);
  if (type === undefined) return; // a socket
  const inode = `${found.dev}:${found.ino}`;
  const first = found.nlink > 1n && type !== "directory" ? linked.get(inode) : undefined;
  if (first !== undefined) {
    yield { entry: { ...describe(packed, "hardlink"), linkName: first } };
    return;
  }
  linked.set(inode, name);
  const linkName = type === "symlink" ? await readlink(path) : "";
  const entry = { ...describe(packed, type), linkName };
  if (type === "file" && entry.size > 0) yield { entry, content: readContent(path, entry.size) };
  else yield { entry };
  if (type !== "directory") return;
  for (const child of (await readdir(path)).sort(byBytes)) {
    const below = join(path, child);
    yield* packEntry({
      path: below,
      name: `${name === "/" ? "" : name}/${child}`,
      found: await lstat(below, { bigint: true }),
      linked,
    });
  }
}

const byBytes = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

function typeOf(found: BigIntStats): TarEntryType | undefined {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  if (found.isSymbolicLink()) return "symlink";
  if (found.isFIFO()) return "fifo";
  if (found.isCharacterDevice()) return "character";
  return found.isBlockDevice() ? "block" : undefined;
}

function describe({ name, found }: Packed, type: TarEntryType): TarEntry {
  const device = type === "character" || type === "block" ? Number(found.rdev) : 0;
  return tarEntry({
    name,
    type,
    mode: Number(found.mode & 0o7777n),
    uid: Number(found.uid),
    gid: Number(found.gid),
    size: type === "file" ? Number(found.size) : 0,
    mtime: { sec: Number(found.mtimeNs / 1_000_000_000n), nsec: Number(found.mtimeNs % 1_000_000_000n) },
    major: (device >> 8) & 0xfff,
    minor: (device & 0xff) | ((device >> 12) & 0xfff00),
  });
}

/** Exactly as many bytes as were announced, whatever happens to the file meanwhile. */
async function* readContent(path: string, size: number): AsyncGenerator<Uint8Array> {
  const CHUNK = 256 << 10;
  let left = size;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, end: size - 1 })) {
    if (!Buffer.isBuffer(chunk)) continue;
    left -= chunk.length;
    yield chunk;
  }
  for (; left > 0; left -= Math.min(left, CHUNK)) yield new Uint8Array(Math.min(left, CHUNK));
}
