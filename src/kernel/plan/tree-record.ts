// What the operations `stat` and `readTree` tell of a file.

export interface TreeRecord {
  /** With the type: S_IF…. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: { readonly sec: number; readonly nsec: number };
  /** The same for every name of one file. */
  readonly inode: string;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  /** From the top of the tree, bytes as the file system has them; empty is the top. */
  readonly path: Buffer;
  /** Of a symlink. */
  readonly target: Buffer;
  /** Of regular files and directories. */
  readonly xattrs: readonly { readonly name: string; readonly value: Uint8Array }[];
  /** As many bytes as the size says follow. */
  readonly hasContent: boolean;
}

export type TreePart =
  | { readonly kind: "entry"; readonly record: TreeRecord }
  /** Of the entry before, in pieces. */
  | { readonly kind: "content"; readonly data: Buffer };

/** Types of files in `mode`. */
export const fileTypes = {
  mask: 0o170000,
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;

export const isDirectory = ({ mode }: Pick<TreeRecord, "mode">): boolean =>
  (mode & fileTypes.mask) === fileTypes.directory;
export const isSymlink = ({ mode }: Pick<TreeRecord, "mode">): boolean =>
  (mode & fileTypes.mask) === fileTypes.symlink;

/** A cursor over the bytes. */
export interface RecordReader {
  u32(): number;
  u64(): number;
  bigU64(): bigint;
  bytes(): Buffer;
}

export function decodeRecord(reader: RecordReader): TreeRecord {
  const head = {
    mode: reader.u32(),
    uid: reader.u32(),
    gid: reader.u32(),
    size: reader.u64(),
    mtime: { sec: Number(BigInt.asIntN(64, reader.bigU64())), nsec: reader.u32() },
    inode: `${reader.bigU64()}:${reader.bigU64()}`,
    links: reader.u32(),
    major: reader.u32(),
    minor: reader.u32(),
    path: reader.bytes(),
    target: reader.bytes(),
  };
  const xattrs: { name: string; value: Uint8Array }[] = [];
  for (let left = reader.u32(); left > 0; left--)
    xattrs.push({ name: reader.bytes().toString(), value: reader.bytes() });
  return { ...head, xattrs, hasContent: reader.u32() !== 0 };
}
