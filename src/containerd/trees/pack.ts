// A tree as tar: entries in, archive out, in large chunks.

import type { TarEntry, TarEntryType } from "#formats/tar-entry.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import type { OpenEntry } from "#kernel/trees/read.ts";
import { fileTypes, isDirectory, isFile, type TreeRecord } from "#kernel/trees/record.ts";

/** What becomes of the entries of a tree. */
export interface PackStyle {
  /** The name in the archive, without a directory's slash; undefined leaves the entry out. */
  readonly name: (path: Buffer) => Buffer | undefined;
  /** Overlay's marks of what is hidden become those of image layers. */
  readonly layer: boolean;
  /** Paths that are left out. */
  readonly exclude: ReadonlySet<string>;
}

const CHUNK = 256 << 10;
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

const typeOf = new Map<number, TarEntryType>([
  [fileTypes.fifo, "fifo"],
  [fileTypes.character, "character"],
  [fileTypes.directory, "directory"],
  [fileTypes.block, "block"],
  [fileTypes.file, "file"],
  [fileTypes.symlink, "symlink"],
]);

/** Bytes collected into chunks whose buffers are the receiver's own. */
class Chunks {
  #chunk = new Uint8Array(CHUNK);
  #used = 0;

  *add(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, void> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + CHUNK - this.#used);
      this.#chunk.set(part, this.#used);
      at += part.length;
      yield* this.#filled(part.length);
    }
  }

  /** As many bytes as were announced; zeros for those that went away meanwhile. */
  *addFrom(read: OpenEntry["read"], size: number): Generator<Uint8Array<ArrayBuffer>, void, void> {
    for (let left = size; left > 0; ) {
      const room = this.#chunk.subarray(this.#used, this.#used + left);
      const count = read(room);
      if (count === 0) room.fill(0);
      left -= count || room.length;
      yield* this.#filled(count || room.length);
    }
  }

  *take(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    if (this.#used === 0) return;
    yield this.#chunk.subarray(0, this.#used);
    this.#chunk = new Uint8Array(CHUNK);
    this.#used = 0;
  }

  *#filled(count: number): Generator<Uint8Array<ArrayBuffer>, void, void> {
    this.#used += count;
    if (this.#used === CHUNK) yield* this.take();
  }
}

export function* packTree(
  entries: Iterable<OpenEntry>,
  style: PackStyle,
): Generator<Uint8Array<ArrayBuffer>> {
  const chunks = new Chunks();
  const packer = new Packer(style);
  for (const { record, read } of entries) {
    const { headers, size } = packer.entry(record);
    for (const header of headers) yield* chunks.add(header);
    if (size === 0) continue;
    yield* chunks.addFrom(read, size);
    yield* chunks.add(tarPadding(size));
  }
  yield* chunks.add(tarEnd());
  yield* chunks.take();
}

interface Packed {
  readonly headers: readonly Uint8Array[];
  /** Of the content that comes behind. */
  readonly size: number;
}

class Packer {
  readonly #style: PackStyle;
  /** Names of the files that have several. */
  readonly #linked = new Map<string, Buffer>();

  constructor(style: PackStyle) {
    this.#style = style;
  }

  entry(record: TreeRecord): Packed {
    const { path, mode } = record;
    const type = typeOf.get(mode & fileTypes.mask);
    const name = this.#style.exclude.has(path.toString()) ? undefined : this.#style.name(path);
    if (type === undefined || name === undefined) return { headers: [], size: 0 };
    if (this.#style.layer && isWhiteout(record))
      return { headers: [encodeTarEntry(whiteout(name))], size: 0 };
    const first = isDirectory(record) || record.links < 2 ? undefined : this.#firstName(record, name);
    if (first !== undefined)
      return {
        headers: [encodeTarEntry(entryOf(record, "hardlink"), { name, linkName: first })],
        size: 0,
      };
    const header = encodeTarEntry(entryOf(record, type), { name, linkName: record.target });
    const opaque = this.#style.layer && isDirectory(record) && isOpaque(record);
    const mark = opaque ? [encodeTarEntry(tarEntry({ name: `${name}/${OPAQUE}`, type: "file" }))] : [];
    return { headers: [header, ...mark], size: isFile(record) ? record.size : 0 };
  }

  /** Where the file was before; remembers where it is the first time. */
  #firstName({ inode }: TreeRecord, name: Buffer): Buffer | undefined {
    const first = this.#linked.get(inode);
    if (first === undefined) this.#linked.set(inode, Buffer.from(name));
    return first;
  }
}

export const isWhiteout = ({ mode, major, minor }: TreeRecord): boolean =>
  (mode & fileTypes.mask) === fileTypes.character && major === 0 && minor === 0;

export const isOpaque = ({ xattrs }: TreeRecord): boolean =>
  xattrs.some(
    ({ name, value }) => name === "trusted.overlay.opaque" && value[0] === 0x79 && value.length === 1,
  );

function whiteout(name: Buffer): TarEntry {
  const text = name.toString();
  const slash = text.lastIndexOf("/") + 1;
  return tarEntry({ name: `${text.slice(0, slash)}${WHITEOUT}${text.slice(slash)}`, type: "file" });
}

/** The name and the link's target are given as bytes beside it. */
const entryOf = (record: TreeRecord, type: TarEntryType): TarEntry => ({
  type,
  name: "",
  linkName: "",
  mode: record.mode & 0o7777,
  uid: record.uid,
  gid: record.gid,
  size: type === "file" ? record.size : 0,
  mtime: record.mtime,
  major: record.major,
  minor: record.minor,
  xattrs: type === "hardlink" ? [] : record.xattrs.filter(({ name }) => travels(name)),
});

/** Labels belong to a machine, overlay's marks to a layer: neither is a property of the file. */
const travels = (name: string): boolean =>
  name === "security.capability" || name.startsWith("user.") || name.startsWith("system.posix_acl_");

/** Names as below the directory itself: "etc/passwd"; the top is no entry. */
export const plainNames = (path: Buffer): Buffer | undefined => (path.length === 0 ? undefined : path);

/** Names as below `base`; "/" is the root: "/etc/passwd". */
export function namesBelow(base: string): (path: Buffer) => Buffer {
  const top = Buffer.from(base === "/" ? "" : base);
  const slash = Buffer.from("/");
  return (path) => (path.length === 0 ? Buffer.from(base) : Buffer.concat([top, slash, path]));
}
