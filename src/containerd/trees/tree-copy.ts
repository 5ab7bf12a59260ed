// Makes one directory what another one is: names that are links to one file are so in the copy, too, and blocks of zeros become holes.
// Where the file system can, the files share their blocks with the copies until one of them is changed.

import { setImmediate } from "node:timers/promises";
import { systemError } from "#base/errors.ts";
import type { Attributes, Plan } from "#kernel/plan/ops.ts";
import { type OpenEntry, readTree } from "#kernel/trees/read.ts";
import { fileTypes, isDirectory, type TreeRecord } from "#kernel/trees/record.ts";
import { type TreeOp, TreeWriter } from "#kernel/trees/write.ts";
import { LOWER, UPPER } from "./layer-view.ts";

const O_PATH_DIRECTORY = 0o10200000;
const why = "copy of a directory";
/** Bytes, entries or pieces after which other jobs have their turn. */
const PIECE = 64 << 10;
const TURN = 100;
const ZEROS = Buffer.alloc(PIECE);

/** Directories of the host. */
export const planCopy = (from: string, to: string): Plan => [
  { op: "open", why, path: from, flags: O_PATH_DIRECTORY, slot: LOWER },
  { op: "open", why, path: to, flags: O_PATH_DIRECTORY, slot: UPPER },
];

export async function copyTree(from: number, to: number): Promise<void> {
  using copy = new Copy(to);
  for (const entry of readTree(from, ".")) await copy.entry(entry);
  copy.end();
}

class Copy implements Disposable {
  readonly #writer: TreeWriter;
  /** Names in the copy of files that have several. */
  readonly #linked = new Map<string, string>();
  readonly #directories: { readonly path: string; readonly mtime: TreeRecord["mtime"] }[] = [];
  readonly #piece = Buffer.alloc(PIECE);
  #steps = 0;
  /** The file system may be able to let copies share their blocks. */
  #canClone = true;

  constructor(to: number) {
    this.#writer = new TreeWriter(to);
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  async entry({ record, read, fd }: OpenEntry): Promise<void> {
    const path = textOf(record.path) || ".";
    const op = this.#opFor(record, path);
    this.#writer.apply(op);
    if (isDirectory(record)) this.#directories.push({ path, mtime: record.mtime });
    if (op.op === "makeFile" && !this.#clone(op.size, fd)) await this.#content(op.size, read);
    await this.#turn();
  }

  /** What is made in a directory changes its time: they come last. */
  end(): void {
    for (const { path, mtime } of this.#directories.toReversed())
      this.#writer.apply({ op: "setTimes", why: path, path, mtime });
  }

  #opFor(record: TreeRecord, path: string): TreeOp {
    const { mode, uid, gid, mtime, xattrs, major, minor } = record;
    const attributes: Attributes = { mode, uid, gid, mtime, xattrs };
    const common = { why: path, path };
    if (isDirectory(record)) return { op: "makeDir", ...common, attributes };
    const first = record.links < 2 ? undefined : this.#linked.get(record.inode);
    if (first !== undefined) return { op: "makeHardlink", ...common, target: first };
    if (record.links > 1) this.#linked.set(record.inode, path);
    const type = mode & fileTypes.mask;
    if (type === fileTypes.file) return { op: "makeFile", ...common, attributes, size: record.size };
    if (type !== fileTypes.symlink) return { op: "makeNode", ...common, attributes, major, minor };
    return { op: "makeSymlink", ...common, target: textOf(record.target), attributes };
  }

  #clone(size: number, fd: number | undefined): boolean {
    if (!this.#canClone || size === 0 || fd === undefined) return false;
    this.#canClone = this.#writer.clone(fd);
    return this.#canClone;
  }

  async #content(size: number, read: OpenEntry["read"]): Promise<void> {
    for (let left = size; left > 0; ) {
      const count = read(this.#piece.subarray(0, left));
      const data = this.#piece.subarray(0, count);
      const isHole = data.equals(ZEROS.subarray(0, count));
      this.#writer.content(isHole ? { kind: "hole", length: count || left } : { kind: "data", data });
      left -= count || left;
      await this.#turn();
    }
  }

  async #turn(): Promise<void> {
    if (++this.#steps % TURN === 0) await setImmediate();
  }
}

function textOf(name: Buffer): string {
  const text = name.toString();
  if (Buffer.from(text).equals(name)) return text;
  throw systemError(`file name ${JSON.stringify(name.toString("latin1"))} is not valid UTF-8`);
}
