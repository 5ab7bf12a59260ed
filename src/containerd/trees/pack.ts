// A tree as tar: records in, archive out, in large chunks.

import type { TarEntry, TarEntryType } from "#formats/tar-entry.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import { fileTypes, type TreePart, type TreeRecord } from "#kernel/plan/tree-record.ts";

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
  #chunk = Buffer.from(new ArrayBuffer(CHUNK));
  #used = 0;

  *add(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, void> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + CHUNK - this.#used);
      this.#chunk.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === CHUNK) yield* this.take();
    }
  }

  *take(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    if (this.#used === 0) return;
    yield new Uint8Array(this.#chunk.buffer, 0, this.#used);
    this.#chunk = Buffer.from(new ArrayBuffer(CHUNK));
    this.#used = 0;
  }
}

export async function* packTree(
  parts: AsyncIterable<TreePart>,
  style: PackStyle,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const chunks = new Chunks();
  const packer = new Packer(style);
  for await (const part of parts) {
    const bytes = part.kind === "entry" ? packer.entry(part.record) : packer.content(part.data);
    for (const piece of bytes) yield* chunks.add(piece);
  }
  yield* chunks.add(tarEnd());
  yield* chunks.take();
}

class Packer {
  readonly #style: PackStyle;
  /** Names of the files that have several. */
  readonly #linked = new Map<string, Buffer>();
  #left = 0;
  #padding = 0;
  #skipping = false;

  constructor(style: PackStyle) {
    this.#style = style;
  }

  entry(record: TreeRecord): readonly Uint8Array[] {
    const { path, mode } = record;
    const type = typeOf.get(mode & fileTypes.mask);
    const name = this.#style.exclude.has(path.toString()) ? undefined : this.#style.name(path);
    this.#skipping = type === undefined || name === undefined;
    if (type === undefined || name === undefined) return [];
    if (this.#style.layer && isWhiteout(record)) return [encodeTarEntry(whiteout(name))];
    const first = type === "directory" || record.links < 2 ? undefined : this.#firstName(record, name);
    if (first !== undefined) return [encodeTarEntry(entryOf(record, "hardlink"), { name, linkName: first })];
    this.#left = type === "file" ? record.size : 0;
    this.#padding = this.#left;
    const header = encodeTarEntry(entryOf(record, type), { name, linkName: record.target });
    const opaque = this.#style.layer && type === "directory" && isOpaque(record);
    return opaque
      ? [header, encodeTarEntry(tarEntry({ name: `${name}/${OPAQUE}`, type: "file" }))]
      : [header];
  }

  content(data: Buffer): readonly Uint8Array[] {
    if (this.#skipping) return [];
    this.#left -= data.length;
    return this.#left === 0 ? [data, tarPadding(this.#padding)] : [data];
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
