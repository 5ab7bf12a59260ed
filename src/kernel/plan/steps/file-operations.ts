// Steps of operations on files and directories.

import { type Argument, type Assembler, behind, pid, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { copy } from "./copy-tree.ts";
import {
  checkFilesystem,
  deviceNumber,
  make,
  open,
  openParent,
  pathOfFd,
  stat,
  statxFields,
  typeIn,
} from "./files.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EINVAL,
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  FS_XFLAG_PROJINHERIT,
  O_ACCMODE,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  Q_SETQUOTA_OF_PROJECT,
  QIF_BLIMITS,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
} from "./kernel.table.ts";
import { remove } from "./remove-tree.ts";
import { constants } from "./steps.table.ts";

const allowMissing = (code: Assembler, missingOk: boolean | undefined): void => {
  if (missingOk === true) code.mark(constants.MARK_MISSING_OK);
};

const KIB = 1024;
/** Offsets in struct fsxattr. */
const fsxattr = { flags: 0, project: 12, size: 28 };

/** struct if_dqblk: limits in KiB, then what only the kernel tells, then which of it is meant. */
function projectQuota(code: Assembler, { path, project, bytes }: BodyOf<"projectQuota">): void {
  const fd = open(code, { path, flags: O_RDONLY });
  const limit = Math.ceil(bytes / KIB);
  const quota = code.numbers(8, [limit, limit, 0, 0, 0, 0, 0, 0, QIF_BLIMITS]);
  code.call("quotactl_fd", [fd, Q_SETQUOTA_OF_PROJECT, project, quota]);
  const attributes = code.scratch(fsxattr.size);
  code.call("ioctl", [fd, FS_IOC_FSGETXATTR, attributes], { label: "ioctl(FS_IOC_FSGETXATTR)" });
  const others = code.load(behind(attributes, fsxattr.flags), 4, ~FS_XFLAG_PROJINHERIT);
  code.store(behind(attributes, fsxattr.flags), 4, code.add(others, FS_XFLAG_PROJINHERIT));
  code.store(behind(attributes, fsxattr.project), 4, project);
  code.call("ioctl", [fd, FS_IOC_FSSETXATTR, attributes], { label: "ioctl(FS_IOC_FSSETXATTR)" });
}

/** "$PID" as the whole data of a host operation is the child's process id. */
function write(code: Assembler, op: BodyOf<"write">): void {
  allowMissing(code, op.missingOk);
  // O_NONBLOCK: never waits for a reader of a FIFO that an image put there
  const added = O_WRONLY | O_NOCTTY | (op.root === undefined ? 0 : O_NONBLOCK);
  const fd = open(code, { ...op, flags: (op.flags & ~O_ACCMODE) | added });
  if (op.fsMagic !== undefined && op.fsMagic !== 0) checkFilesystem(code, fd, op.fsMagic);
  if (!code.isHost || Buffer.from(op.data).toString("latin1") !== "$PID") {
    code.native("write", [fd, code.bytes(op.data), op.data.length]);
    return;
  }
  const text = code.scratch(16);
  code.native("write", [fd, text, code.native("print", [text, 16, code.text("%ld"), pid], { looks: true })]);
}

const READ_LIMIT = 1 << 20;

function read(code: Assembler, op: BodyOf<"read">): void {
  allowMissing(code, op.missingOk);
  // never waits for a FIFO or a device that an image put there
  const fd = open(code, { ...op, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY });
  const type = typeIn(code, stat(code, fd));
  code.when(type, "!=", S_IFREG, () => code.fail("read", EINVAL));
  readAll(code, fd);
}

/** What there is up to the limit is a result of the operation. */
function readAll(code: Assembler, fd: Argument): void {
  const again = code.label();
  const memory = code.scratch(READ_LIMIT);
  const end = code.add(memory, 0);
  const room = code.add(READ_LIMIT, 0);
  code.place(again);
  const size = code.call("read", [fd, end, room], { looks: true });
  code.when(size, "<", 0, () => code.fail("read", size));
  code.add(end, size, end);
  code.subtract(room, size);
  code.skip(size, "!=", 0, again);
  const begin = code.add(memory, 0);
  code.subtract(end, begin);
  code.native("result", [memory, end]);
}

function inheritFile(code: Assembler, from: string, to: string): void {
  const ROOM = 4096;
  const NEWLINE = 10;
  const [end, blank] = [code.label(), code.label()];
  const text = code.scratch(ROOM);
  const target = open(code, { path: to, flags: O_RDWR });
  code.skip(code.call("read", [target, text, ROOM]), "==", 0, blank);
  code.skip(code.load(text, 1), "!=", NEWLINE, end);
  code.place(blank);
  const source = open(code, { path: from, flags: O_RDONLY });
  const size = code.call("read", [source, text, ROOM], { looks: true });
  code.when(size, "<", 0, () => code.fail("read", size));
  code.call("pwrite64", [target, text, size, 0], { label: "write" });
  code.place(end);
}

function symlink(code: Assembler, op: BodyOf<"symlink">): void {
  const [parent, base] = openParent(code, op);
  const result = code.call("symlinkat", [code.text(op.target), parent, base], {
    looks: op.existsOk === true,
  });
  if (op.existsOk !== true) return;
  const end = code.label();
  code.skip(result, "==", -EEXIST, end);
  code.when(result, "<", 0, () => code.fail("symlinkat", result));
  code.place(end);
}

/** The same device in its place is success. */
function mknod(code: Assembler, op: BodyOf<"mknod">): void {
  const [made, end] = [code.label(), code.label()];
  const [parent, base] = openParent(code, op);
  const type = op.mode & S_IFMT;
  const device = deviceNumber(op.major, op.minor);
  const result = code.call("mknodat", [parent, base, op.mode, device], { looks: true });
  const fail = (): void => code.fail("mknodat", result);
  code.skip(result, ">=", 0, made);
  code.when(result, "!=", -EEXIST, fail);
  const found = stat(code, parent, { name: base, flags: AT_SYMLINK_NOFOLLOW, looks: true });
  code.when(found.result, "<", 0, fail);
  code.when(typeIn(code, found), "!=", type, fail);
  if (type !== S_IFIFO) {
    const { special } = statxFields;
    code.when(code.load(behind(found.memory, special), 4), "!=", op.major, fail);
    code.when(code.load(behind(found.memory, special + 4), 4), "!=", op.minor, fail);
  }
  code.go(end);
  code.place(made);
  const fd = code.call("openat", [parent, base, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { opens: true });
  code.call("fchownat", [fd, code.text(""), op.uid, op.gid, AT_EMPTY_PATH]);
  code.call("fchmodat", [AT_FDCWD, pathOfFd(code, fd), op.mode & 0o7777], { label: "chmod" });
  code.place(end);
}

function removeTree(code: Assembler, op: BodyOf<"removeTree">): void {
  allowMissing(code, op.missingOk);
  const base = op.path.slice(op.path.lastIndexOf("/") + 1);
  const findDirectory = (): Register => {
    const [parent, name] = openParent(code, op);
    if (base === "" || base === ".") code.fail("unlinkat", EINVAL);
    stat(code, parent, { name, flags: AT_SYMLINK_NOFOLLOW });
    return parent;
  };
  remove(code, findDirectory, base);
}

const unlink = (code: Assembler, path: string, flags: number, label: string): void => {
  code.call("unlinkat", [AT_FDCWD, code.text(path), flags], { label });
};

function makeDir(code: Assembler, { path, attributes }: BodyOf<"makeDir">): void {
  const { mode, uid, gid, mtime } = attributes;
  const name = code.text(path);
  const times = code.numbers(8, [mtime.sec, mtime.nsec, mtime.sec, mtime.nsec]);
  code.call("mkdirat", [AT_FDCWD, name, 0o700]);
  const fd = code.call("openat", [AT_FDCWD, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0], { opens: true });
  code.call("fchownat", [fd, code.text(""), uid, gid, AT_EMPTY_PATH]);
  code.call("fchmod", [fd, mode & 0o7777]);
  code.call("utimensat", [fd, code.text(""), times, AT_EMPTY_PATH]);
}

export const files = {
  mkdir: (code, op) => void make(code, { ...op, mode: S_IFDIR | op.mode, parents: op.parents === true }),
  touch: (code, op) => void make(code, { ...op, mode: S_IFREG | op.mode, parents: true }),
  write,
  read,
  readInput: (code) => readAll(code, 0),
  inheritFile: (code, { from, to }) => inheritFile(code, from, to),
  symlink,
  mknod,
  unlink: (code, { path, missingOk }) => {
    allowMissing(code, missingOk);
    unlink(code, path, 0, "unlink");
  },
  rmdir: (code, { path, missingOk }) => {
    allowMissing(code, missingOk);
    unlink(code, path, AT_REMOVEDIR, "rmdir");
  },
  makeDir,
  removeTree,
  clearDir: (code, { slot }) => remove(code, () => open(code, { root: slot, path: ".", flags: O_RDONLY })),
  copyTree: copy,
  projectQuota,
} satisfies Partial<Compilers>;
