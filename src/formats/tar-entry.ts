// One member of a tar archive, whatever dialect (ustar, pax, GNU) it was written in.

export type TarEntryType = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

export interface TarEntry {
  readonly type: TarEntryType;
  /** As written: may be absolute, may hold "..". */
  readonly name: string;
  /** Target of a link, or "". */
  readonly linkName: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file, its holes included; 0 for all but files. */
  readonly size: number;
  readonly mtime: { readonly sec: number; readonly nsec: number };
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly { readonly name: string; readonly value: Uint8Array }[];
}

/** The archive is damaged, or uses something that is not supported. */
export class TarError extends Error {
  override readonly name = "TarError";
}

/** In Go's words, which Docker's users see; `why` is for who looks at the cause. */
export const invalidHeader = (why: string): TarError =>
  new TarError("archive/tar: invalid tar header", { cause: new Error(why) });

export const BLOCK = 512;
