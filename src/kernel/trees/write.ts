// Makes files, links and directories below a root, as archives ask for them, one entry after the other. Paths are resolved within the root;
// directories that are missing are made. A final symlink is never followed: what is in the way is replaced.

import { chmodSync, fchmodSync, ftruncateSync, writeSync } from "node:fs";
import { constants } from "node:os";
import type { SparsePiece } from "#formats/tar-sparse.ts";
import { throwErrno } from "../libc.ts";
import type { Attributes, FileTimes } from "../plan/ops.ts";
import { asOwner } from "./as-owner.ts";
import {
  close,
  makeLink,
  makeNode,
  makeSymlink,
  openAt,
  openFlags,
  openWithin,
  owned,
  setOwner,
  setTimes,
  statOf,
  tryCloneFile,
  tryMakeDirectory,
  tryOpenAt,
  tryOpenWithin,
  tryStatAt,
} from "./calls.ts";
import { explained } from "./explain.ts";
import { rawName } from "./ffi-calls.ts";
import { ParentDirectories, splitPath } from "./parent-directories.ts";
import { isDirectory } from "./record.ts";
import { removeContent, removeEntry } from "./remove.ts";
import { trySetXattr } from "./xattrs.ts";

const { EBADMSG, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM } = constants.errno;
const CREATE = 0o301; // O_WRONLY, O_CREAT, O_EXCL
const ITSELF = openFlags.path | openFlags.noFollow;
const FOLDER = openFlags.path | openFlags.directory;

/** One entry's part. Paths are text, relative to the root or absolute within it. */
export type TreeOp = { readonly why: string; readonly path: string } & (
  | { readonly op: "makeFile"; readonly attributes: Attributes; readonly size: number }
  | { readonly op: "makeDir"; readonly attributes: Attributes }
  | { readonly op: "makeSymlink"; readonly target: string; readonly attributes: Attributes }
  /** A link to itself stays. */
  | { readonly op: "makeHardlink"; readonly target: string }
  /** char, block (mode has S_IFCHR or S_IFBLK) or FIFO. */
  | {
      readonly op: "makeNode";
      readonly attributes: Attributes;
      readonly major: number;
      readonly minor: number;
    }
  /** Absent is success. */
  | { readonly op: "removeTree" }
  /** Removes everything in a directory and keeps the directory (opaque whiteout); absent is success. */
  | { readonly op: "clearDir" }
  /** Modification time of a directory, set after its content is complete. */
  | { readonly op: "setTimes"; readonly mtime: FileTimes }
  /** Success if nothing is there, else EISDIR or ENOTDIR if it is not of that kind: an archive must not replace one by the other. */
  | { readonly op: "checkKind"; readonly directory: boolean }
);

type OpOf<Name extends TreeOp["op"]> = Extract<TreeOp, { readonly op: Name }>;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface UnfinishedFile {
  readonly why: string;
  readonly fd: number;
  readonly size: number;
  /** Where the next byte goes. */
  at: number;
  readonly attributes: Attributes;
}

export class TreeWriter implements Disposable {
  readonly #root: number;
  readonly #owner: Owner | undefined;
  readonly #parents: ParentDirectories;
  #file: UnfinishedFile | undefined;

  /** `root`: an open directory, which stays the caller's. `owner`: who makes what is made, where nobody else may. */
  constructor(root: number, owner?: Owner) {
    this.#root = root;
    this.#owner = owner;
    this.#parents = new ParentDirectories(root);
  }

  /** Throws PlanError, which tells why the operation was there. The content of a makeFile follows by `content`. */
  apply(op: TreeOp): void {
    explained(op.why, () => {
      if (this.#file !== undefined) throwErrno("write", EBADMSG);
      if (this.#owner === undefined) this.#apply(op);
      else asOwner(this.#owner, () => this.#apply(op));
    });
  }

  /** Of the file that was made last; data and holes sum to its size. */
  content(piece: SparsePiece): void {
    if (piece.kind === "data") this.data(piece.data);
    else this.#hole(piece.length);
  }

  /** The whole content of the file that was made last, by sharing the other one's blocks. False, and nothing is done, where that cannot be. */
  clone(from: number): boolean {
    const file = this.#file;
    if (file === undefined || tryCloneFile(file.fd, from) < 0) return false;
    ftruncateSync(file.fd, file.size); // it may have grown since it was looked at
    explained(file.why, () => this.#finish(file));
    return true;
  }

  data(bytes: Uint8Array): void {
    this.#content(bytes.length, (file) => {
      for (let at = 0; at < bytes.length; )
        at += writeSync(file.fd, bytes, at, bytes.length - at, file.at + at);
    });
  }

  /** Bytes of the file that are nowhere on the disk, and read as zeros. */
  #hole(length: number): void {
    this.#content(length, (file) => {
      if (file.at + length === file.size) ftruncateSync(file.fd, file.size);
    });
  }

  #content(length: number, write: (file: UnfinishedFile) => void): void {
    const file = this.#file;
    explained(file?.why ?? "content", () => {
      if (file === undefined || length > file.size - file.at) return throwErrno("write", EBADMSG);
      write(file);
      file.at += length;
      if (file.at === file.size) this.#finish(file);
    });
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) close(this.#file.fd);
    this.#file = undefined;
    this.#parents[Symbol.dispose]();
  }

  #apply(op: TreeOp): void {
    switch (op.op) {
      case "makeFile":
        this.#makeFile(op);
        break;
      case "makeDir":
        this.#makeDirectory(op);
        break;
      case "makeSymlink":
        this.#makeSymlink(op);
        break;
      case "makeHardlink":
        this.#makeHardlink(op);
        break;
      case "makeNode":
        this.#makeNode(op);
        break;
      case "removeTree":
        this.#removeTree(op.path);
        break;
      case "clearDir":
        this.#clearDirectory(op.path);
        break;
      case "setTimes":
        this.#setTimes(op);
        break;
      case "checkKind":
        this.#checkKind(op);
        break;
      default:
        op satisfies never;
    }
  }

  #makeFile({ why, path, attributes, size }: OpOf<"makeFile">): void {
    const { fd: parent, base } = this.#parents.open(path);
    let fd = tryOpenAt(parent, base, CREATE, 0o600);
    if (fd === -EEXIST) {
      removeEntry(parent, base);
      fd = tryOpenAt(parent, base, CREATE, 0o600);
    }
    if (fd < 0) throwErrno("openat", -fd);
    this.#file = { why, fd, size, at: 0, attributes };
    if (size === 0) this.#finish(this.#file);
  }

  #finish({ fd, attributes }: UnfinishedFile): void {
    setAttributes(fd, attributes);
    this.#file = undefined;
    close(fd);
  }

  #makeDirectory({ path, attributes }: OpOf<"makeDir">): void {
    if (path === "" || path === "." || path === "/") {
      using root = owned(openAt(this.#root, ".", openFlags.directory));
      setAttributes(root.fd, attributes);
      return;
    }
    const { fd: parent, base } = this.#parents.open(path);
    const made = tryMakeDirectory(parent, base, 0o700);
    if (made < 0 && made !== -EEXIST) throwErrno("mkdirat", -made);
    let fd = tryOpenAt(parent, base, openFlags.directory);
    if (fd === -ENOTDIR || fd === -ELOOP) {
      removeEntry(parent, base);
      makeDirectory(parent, base);
      fd = tryOpenAt(parent, base, openFlags.directory);
    }
    using opened = owned(fd < 0 ? throwErrno("openat", -fd) : fd);
    setAttributes(opened.fd, attributes);
  }

  #makeSymlink({ path, target, attributes }: OpOf<"makeSymlink">): void {
    const { fd: parent, base } = this.#parents.open(path);
    removeEntry(parent, base);
    makeSymlink(parent, base, rawName(target));
    using link = owned(openAt(parent, base, openFlags.path));
    setAttributes(link.fd, attributes, "link");
  }

  #makeNode({ path, attributes, major, minor }: OpOf<"makeNode">): void {
    const { fd: parent, base } = this.#parents.open(path);
    removeEntry(parent, base);
    makeNode(parent, base, attributes.mode, { major, minor });
    using node = owned(openAt(parent, base, openFlags.path));
    setAttributes(node.fd, attributes, "node");
  }

  #makeHardlink({ path, target }: OpOf<"makeHardlink">): void {
    using linked = owned(openWithin(this.#root, rawName(target), ITSELF));
    const { fd: parent, base } = this.#parents.open(path);
    const there = tryStatAt(parent, base);
    if (typeof there !== "number") {
      if (there.inode === statOf(linked.fd).inode) return;
      removeEntry(parent, base);
    }
    makeLink(linked.fd, parent, base);
  }

  #removeTree(path: string): void {
    this.#parents.forget();
    const { directory, base } = splitPath(path);
    if (base === "" || base === "." || base === "..") throwErrno("unlinkat", EINVAL);
    const fd = tryOpenWithin(this.#root, directory, FOLDER);
    if (fd === -ENOENT || fd === -ENOTDIR) return;
    using parent = owned(fd < 0 ? throwErrno("openat2", -fd) : fd);
    removeEntry(parent.fd, base);
  }

  #clearDirectory(path: string): void {
    this.#parents.forget();
    const fd = tryOpenWithin(this.#root, rawName(path), FOLDER | openFlags.noFollow);
    if (fd === -ENOENT || fd === -ENOTDIR || fd === -ELOOP) return;
    using directory = owned(fd < 0 ? throwErrno("openat2", -fd) : fd);
    removeContent(directory.fd);
  }

  #setTimes({ path, mtime }: OpOf<"setTimes">): void {
    using opened = owned(openWithin(this.#root, rawName(path), ITSELF));
    setTimes(opened.fd, mtime);
  }

  #checkKind({ path, directory }: OpOf<"checkKind">): void {
    const fd = tryOpenWithin(this.#root, rawName(path), ITSELF);
    if (fd === -ENOENT) return;
    using there = owned(fd < 0 ? throwErrno("openat2", -fd) : fd);
    if (isDirectory(statOf(there.fd)) !== directory) throwErrno("openat2", directory ? ENOTDIR : EISDIR);
  }
}

function makeDirectory(parent: number, base: string): void {
  const made = tryMakeDirectory(parent, base, 0o700);
  if (made < 0) throwErrno("mkdirat", -made);
}

/** The owner first: chown clears setuid and capabilities. Times last. A symlink has no mode. */
function setAttributes(fd: number, attributes: Attributes, kind: "open" | "link" | "node" = "open"): void {
  const mode = attributes.mode & 0o7777;
  setOwner(fd, attributes.uid, attributes.gid);
  if (kind === "open") fchmodSync(fd, mode);
  else if (kind === "node") chmodSync(`/proc/self/fd/${fd}`, mode);
  for (const xattr of attributes.xattrs) {
    const result = trySetXattr(fd, xattr);
    // Labels of security modules that this machine lacks, user attributes on nodes: left out, as Docker does.
    if (result < 0 && result !== -EOPNOTSUPP && result !== -EPERM) throwErrno("setxattr", -result);
  }
  setTimes(fd, attributes.mtime);
}
