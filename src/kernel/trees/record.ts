// What there is to tell of a file in a tree.

import type { FileStat } from "./calls.ts";
import type { Xattr } from "./xattrs.ts";

export interface TreeRecord extends Omit<FileStat, "mount"> {
  /** From the top of the tree, bytes as the file system has them; empty is the top. */
  readonly path: Buffer;
  /** Of a symlink. */
  readonly target: Buffer;
  /** Of regular files and directories. */
  readonly xattrs: readonly Xattr[];
}

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

type Typed = Pick<TreeRecord, "mode">;
export const isDirectory = ({ mode }: Typed): boolean => (mode & fileTypes.mask) === fileTypes.directory;
export const isSymlink = ({ mode }: Typed): boolean => (mode & fileTypes.mask) === fileTypes.symlink;
export const isFile = ({ mode }: Typed): boolean => (mode & fileTypes.mask) === fileTypes.file;
