// Steps of operations that make one entry of an archive below a root. A final symlink is never followed: it is replaced. What the entries
// of one plan or stream have in common is remembered here: the directory used last, and the file whose content is still coming.

import type { Attributes, FileTimes } from "../ops.ts";
import { type Argument, type Assembler, behind, type Memory, type Register } from "./assembler.ts";
import type { BodyOf, Compilers, OpName } from "./compilers.ts";
import { deviceNumber, fdOf, make, open, pathOfFd, stat, statxFields, unlessMissing } from "./files.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EBADMSG,
  EEXIST,
  EINVAL,
  ELOOP,
  ENOTDIR,
  ENOTSUP,
  EPERM,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
} from "./kernel.table.ts";

/** Behind the slots. */
const PARENT_FD = fdOf(129);
const FILE_FD = fdOf(130);

interface Entry {
  readonly root: number;
  readonly path: string;
}

const setTimes = (code: Assembler, fd: Argument, { sec, nsec }: FileTimes): void => {
  const whole = Math.floor(sec);
  const times = code.numbers(8, [whole, nsec, whole, nsec]);
  code.call("utimensat", [fd, code.text(""), times, AT_EMPTY_PATH]);
};

/** Labels of security modules that this machine lacks, user attributes on nodes: left out, as Docker does. */
function setXattrs(
  code: Assembler,
  attributes: Attributes,
  target: { fd: Argument } | { path: Memory },
): void {
  if (attributes.xattrs.length === 0) return;
  const result = code.native("value", [0], { looks: true });
  for (const { name, value } of attributes.xattrs) {
    const next = code.label();
    const args = [code.text(name), code.bytes(value), value.length, 0];
    const options = { looks: true, into: result };
    if ("fd" in target) code.call("fsetxattr", [target.fd, ...args], options);
    else code.call("setxattr", [target.path, ...args], options);
    code.skip(result, ">=", 0, next);
    for (const errno of [ENOTSUP, EPERM]) code.skip(result, "==", -errno, next);
    code.fail("setxattr", result);
    code.place(next);
  }
}

/** The owner first: chown clears setuid and capabilities. Times last. */
function setAttributes(code: Assembler, fd: Argument, attributes: Attributes): void {
  code.call("fchownat", [fd, code.text(""), attributes.uid, attributes.gid, AT_EMPTY_PATH]);
  code.call("fchmod", [fd, attributes.mode & 0o7777]);
  setXattrs(code, attributes, { fd });
  setTimes(code, fd, attributes.mtime);
}

/** Of a symlink or a node, which can only be opened as a path. A symlink has no mode. */
function setSpecialAttributes(code: Assembler, base: Memory, attributes: Attributes, hasMode: boolean): void {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const fd = code.call("openat", [PARENT_FD, base, flags, 0], { opens: true });
  code.call("fchownat", [fd, code.text(""), attributes.uid, attributes.gid, AT_EMPTY_PATH]);
  const path = pathOfFd(code, fd);
  if (hasMode) code.call("fchmodat", [AT_FDCWD, path, attributes.mode & 0o7777], { label: "chmod" });
  setXattrs(code, attributes, { path });
  setTimes(code, fd, attributes.mtime);
}

const remove = (code: Assembler, base: Memory): void => void code.native("remove", [PARENT_FD, base]);

/** Again into the same register, with nothing in its place, if it failed for what is there. */
function openReplacing(
  code: Assembler,
  [base, flags, mode]: readonly [Memory, number, number],
  inTheWay: readonly number[],
  prepare: () => void = () => undefined,
): Register {
  const done = code.label();
  const replace = code.label();
  const args = [PARENT_FD, base, flags | O_NOFOLLOW | O_CLOEXEC, mode];
  const fd = code.call("openat", args, { opens: true, looks: true });
  code.skip(fd, ">=", 0, done);
  for (const errno of inTheWay) code.skip(fd, "==", -errno, replace);
  code.fail("openat", fd);
  code.place(replace);
  remove(code, base);
  prepare();
  code.call("openat", args, { opens: true, into: fd });
  code.place(done);
  return fd;
}

const isRoot = (path: string): boolean => path === "" || path === "." || path === "/";
const archiveNames = [
  "makeFile",
  "fileData",
  "makeDir",
  "makeSymlink",
  "makeHardlink",
  "makeNode",
  "clearDir",
  "setTimes",
] as const satisfies readonly OpName[];

export class Archive {
  #parent: { readonly root: number; readonly path: string } | undefined;
  #open: { left: bigint; readonly attributes: Attributes } | undefined;

  /** A file still lacks content. */
  get incomplete(): boolean {
    return this.#open !== undefined;
  }

  /** Before an operation that may remove it, or that may have failed to open it. */
  forgetParent(): void {
    this.#parent = undefined;
  }

  /** The directory that holds the entry is open behind this, made if it was missing: entries come directory by directory. */
  #openParent(code: Assembler, { root, path }: Entry): Memory {
    const slash = path.lastIndexOf("/");
    const base = path.slice(slash + 1);
    const directory = slash < 0 ? "" : path.slice(0, slash);
    if (base === ".." || base === "") code.fail("openat2", EINVAL);
    if (this.#parent?.root !== root || this.#parent.path !== directory) {
      const place = { root, path: directory, mode: S_IFDIR | 0o755, parents: true };
      code.call("dup3", [make(code, place), PARENT_FD, O_CLOEXEC]);
      this.#parent = { root, path: directory };
    }
    return code.text(base);
  }

  makeFile(code: Assembler, op: BodyOf<"makeFile">): void {
    const base = this.#openParent(code, op);
    const fd = openReplacing(code, [base, O_CREAT | O_EXCL | O_WRONLY, 0o600], [EEXIST]);
    if (op.size === 0n) {
      setAttributes(code, fd, op.attributes);
      return;
    }
    code.call("dup3", [fd, FILE_FD, O_CLOEXEC]);
    this.#open = { left: op.size, attributes: op.attributes };
  }

  addData(code: Assembler, data: Uint8Array): void {
    const file = this.#open;
    if (file === undefined || data.length > file.left) {
      code.fail("write", EBADMSG);
      return;
    }
    code.native("write", [FILE_FD, code.bytes(data), data.length]);
    file.left -= BigInt(data.length);
    if (file.left > 0n) return;
    this.#open = undefined;
    setAttributes(code, FILE_FD, file.attributes);
    code.call("close", [FILE_FD]);
  }

  makeDir(code: Assembler, op: BodyOf<"makeDir">): void {
    if (isRoot(op.path)) {
      const flags = O_RDONLY | O_DIRECTORY;
      setAttributes(code, open(code, { root: op.root, path: ".", flags }), op.attributes);
      return;
    }
    const base = this.#openParent(code, op);
    const made = code.call("mkdirat", [PARENT_FD, base, 0o700], { looks: true });
    const there = code.label();
    code.skip(made, ">=", 0, there);
    code.when(made, "!=", -EEXIST, () => code.fail("mkdirat", made));
    code.place(there);
    const fd = openReplacing(code, [base, O_RDONLY | O_DIRECTORY, 0], [ENOTDIR, ELOOP], () =>
      code.call("mkdirat", [PARENT_FD, base, 0o700]),
    );
    setAttributes(code, fd, op.attributes);
  }

  makeSymlink(code: Assembler, op: BodyOf<"makeSymlink">): void {
    const base = this.#openParent(code, op);
    remove(code, base);
    code.call("symlinkat", [code.text(op.target), PARENT_FD, base]);
    setSpecialAttributes(code, base, op.attributes, false);
  }

  makeNode(code: Assembler, op: BodyOf<"makeNode">): void {
    const base = this.#openParent(code, op);
    remove(code, base);
    code.call("mknodat", [PARENT_FD, base, op.attributes.mode, deviceNumber(op.major, op.minor)]);
    setSpecialAttributes(code, base, op.attributes, true);
  }

  /** A link to itself stays. */
  makeHardlink(code: Assembler, op: BodyOf<"makeHardlink">): void {
    const end = code.label();
    const target = open(code, { root: op.root, path: op.target, flags: O_PATH | O_NOFOLLOW });
    const linked = stat(code, target);
    const base = this.#openParent(code, op);
    const existing = stat(code, PARENT_FD, { name: base, flags: AT_SYMLINK_NOFOLLOW, looks: true });
    code.when(existing.result, ">=", 0, () => {
      const other = code.label();
      for (const field of [statxFields.inode, statxFields.device]) {
        const [ours, theirs] = [linked, existing].map(({ memory }) => code.load(behind(memory, field), 8));
        if (ours !== undefined && theirs !== undefined) code.skip(ours, "!=", theirs, other);
      }
      code.go(end);
      code.place(other);
      remove(code, base);
    });
    code.call("linkat", [target, code.text(""), PARENT_FD, base, AT_EMPTY_PATH]);
    code.place(end);
  }
}

/** The operations of one plan or stream. */
export const archivesOf = (archive: Archive): Compilers<(typeof archiveNames)[number]> => ({
  makeFile: (code, op) => archive.makeFile(code, op),
  fileData: (code, { data }) => archive.addData(code, data),
  makeDir: (code, op) => archive.makeDir(code, op),
  makeSymlink: (code, op) => archive.makeSymlink(code, op),
  makeHardlink: (code, op) => archive.makeHardlink(code, op),
  makeNode: (code, op) => archive.makeNode(code, op),
  clearDir: (code, { root, path }) => {
    archive.forgetParent();
    const fd = open(code, { root, path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, looks: true });
    unlessMissing(code, { label: "openat2", result: fd, missing: [ELOOP] }, () =>
      code.native("remove", [fd, code.text("")]),
    );
  },
  setTimes: (code, { root, path, mtime }) =>
    setTimes(code, open(code, { root, path, flags: O_PATH | O_NOFOLLOW }), mtime),
});
