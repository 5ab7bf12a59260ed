// System calls on open directories and on names in them, by node:ffi: what node:fs has no function for. They wait for the file system, so
// they are for worker threads. None follows a symlink but openWithin, which stays below its root.
//
// A failure throws LibcError; where the comment says so, it is a negative errno.

import { constants } from "node:os";
import { calls, checked, empty, NAME_ROOM, name, otherName, outcome, put, rawName } from "./ffi-calls.ts";

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const STATX_BASIC_AND_MOUNT = 0x17ff;
const SYS_OPENAT2 = 437n;
const FICLONE = 0x40049409n;
const RESOLVE_NO_MAGICLINKS = 2;
const RESOLVE_IN_ROOT = 0x10;

/** Flags of open(2) that node:fs lacks. */
export const openFlags = { path: 0o10000000, cloexec: 0o2000000, directory: 0o200000, noFollow: 0o400000 };

const { EAGAIN } = constants.errno;
/** openat2 gives up when a rename comes between it and a ".."; whoever renames without a pause must not hold it up. */
const OPEN_TRIES = 1000;

const how = Buffer.alloc(24);
const found = Buffer.alloc(256);
const times = Buffer.alloc(32);
const link = Buffer.alloc(NAME_ROOM);

/** An fd, or a negative errno. */
export const tryOpenAt = (directory: number, entry: string, flags: number, mode = 0): number =>
  outcome(() =>
    calls().openat(
      directory,
      put(entry, name, "openat"),
      flags | openFlags.noFollow | openFlags.cloexec,
      mode,
    ),
  );

export const openAt = (directory: number, entry: string, flags: number, mode = 0): number =>
  checked("openat", tryOpenAt(directory, entry, flags, mode));

/** By its name in our own namespace; a symlink at the end is followed. */
export function openPath(path: string, flags: number): number {
  put(rawName(path), name, "open");
  return checked(
    "open",
    outcome(() => calls().openat(AT_FDCWD, name, flags | openFlags.cloexec, 0)),
  );
}

/** Of a thread's descriptors those from here are closed here: node:fs keeps a list of its own. */
export const close = (fd: number): void => void calls().close(fd);

export interface OwnedFd extends Disposable {
  readonly fd: number;
}

/** Closed with the block. */
export const owned = (fd: number): OwnedFd => ({ fd, [Symbol.dispose]: () => close(fd) });

/** An fd, or a negative errno. The path is resolved as if the directory were the root: nothing leads outside. A symlink at the end is
 *  followed unless the flags say no. */
export function tryOpenWithin(root: number, path: string, flags: number): number {
  how.writeUInt32LE((flags | openFlags.cloexec) >>> 0, 0);
  how.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
  put(path === "" ? "." : path, name, "openat2");
  for (let tries = OPEN_TRIES; ; tries--) {
    const fd = outcome(() => calls().syscall(SYS_OPENAT2, root, name, how, 24n));
    if (fd !== -EAGAIN || tries === 0) return fd;
  }
}

export const openWithin = (root: number, path: string, flags: number): number =>
  checked("openat2", tryOpenWithin(root, path, flags));

export interface FileStat {
  /** With the type: S_IF…. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: { readonly sec: number; readonly nsec: number };
  /** Device and number: the same for every name of one file. */
  readonly inode: string;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  readonly mount: bigint;
}

const readStat = (): FileStat => ({
  mode: found.readUInt16LE(28),
  uid: found.readUInt32LE(20),
  gid: found.readUInt32LE(24),
  size: readNumber(40),
  mtime: { sec: found.readInt32LE(116) * 2 ** 32 + found.readUInt32LE(112), nsec: found.readUInt32LE(120) },
  inode: `${found.readUInt32LE(136)}:${found.readUInt32LE(140)}:${readNumber(32)}`,
  links: found.readUInt32LE(16),
  major: found.readUInt32LE(128),
  minor: found.readUInt32LE(132),
  mount: found.readBigUInt64LE(144),
});

const readNumber = (at: number): number => found.readUInt32LE(at + 4) * 2 ** 32 + found.readUInt32LE(at);

export function statOf(fd: number): FileStat {
  checked(
    "fstat",
    outcome(() => calls().statx(fd, empty, AT_EMPTY_PATH, STATX_BASIC_AND_MOUNT, found)),
  );
  return readStat();
}

/** Of the entry itself; a negative errno if it cannot be told. */
export function tryStatAt(directory: number, entry: string): FileStat | number {
  const path = put(entry, name, "fstatat");
  const result = outcome(() =>
    calls().statx(directory, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_AND_MOUNT, found),
  );
  return result < 0 ? result : readStat();
}

export interface DirectoryEntry {
  readonly name: string;
  /** DT_…, 0 if the file system does not tell. */
  readonly type: number;
}

const LISTING = 64 << 10;
const listing = Buffer.alloc(LISTING);

/** The next entries of an open directory but "." and ".."; none at its end. */
export function* nextEntries(directory: number): Generator<DirectoryEntry, void, void> {
  for (;;) {
    const size = checked(
      "getdents64",
      outcome(() => calls().getdents64(directory, listing, BigInt(LISTING))),
    );
    if (size === 0) return;
    const batch: DirectoryEntry[] = [];
    for (let at = 0; at < size; at += listing.readUInt16LE(at + 16)) {
      const entry = listing.toString("latin1", at + 19, listing.indexOf(0, at + 19));
      if (entry !== "." && entry !== "..") batch.push({ name: entry, type: listing.readUInt8(at + 18) });
    }
    yield* batch;
  }
}

/** Where a symlink leads that was opened as a path. */
export function linkTarget(fd: number): Buffer {
  const size = checked(
    "readlinkat",
    outcome(() => calls().readlinkat(fd, empty, link, BigInt(NAME_ROOM))),
  );
  return Buffer.from(link.subarray(0, size));
}

/** 0 or a negative errno. */
export const tryMakeDirectory = (directory: number, entry: string, mode: number): number =>
  outcome(() => calls().mkdirat(directory, put(entry, name, "mkdirat"), mode));

export interface Device {
  readonly major: number;
  readonly minor: number;
}

const deviceNumber = ({ major, minor }: Device): bigint => {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
  );
};

/** The type is in the mode. */
export function makeNode(directory: number, entry: string, mode: number, device: Device): void {
  put(entry, name, "mknodat");
  checked(
    "mknodat",
    outcome(() => calls().mknodat(directory, name, mode, deviceNumber(device))),
  );
}

export function makeSymlink(directory: number, entry: string, target: string): void {
  put(entry, name, "symlinkat");
  put(target, otherName, "symlinkat");
  checked(
    "symlinkat",
    outcome(() => calls().symlinkat(otherName, directory, name)),
  );
}

/** A further name of what the fd is, which may be one of a path. */
export function makeLink(fd: number, directory: number, entry: string): void {
  put(entry, name, "linkat");
  checked(
    "linkat",
    outcome(() => calls().linkat(fd, empty, directory, name, AT_EMPTY_PATH)),
  );
}

/** 0 or a negative errno. */
export const tryUnlink = (directory: number, entry: string, isDirectory = false): number =>
  outcome(() => calls().unlinkat(directory, put(entry, name, "unlinkat"), isDirectory ? AT_REMOVEDIR : 0));

/** 0 or a negative errno. */
export function tryRename(directory: number, entry: string, target: number, newName: string): number {
  put(entry, name, "renameat");
  put(newName, otherName, "renameat");
  return outcome(() => calls().renameat(directory, name, target, otherName));
}

export function setOwner(fd: number, uid: number, gid: number): void {
  checked(
    "fchownat",
    outcome(() => calls().fchownat(fd, empty, uid, gid, AT_EMPTY_PATH)),
  );
}

/** Makes the file share the other one's blocks; 0, or a negative errno where the file system cannot. */
export const tryCloneFile = (fd: number, from: number): number =>
  outcome(() => calls().ioctl(fd, FICLONE, from));

/** Of access and of modification. */
export function setTimes(fd: number, { sec, nsec }: FileStat["mtime"]): void {
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(Math.floor(sec)), at);
    times.writeBigInt64LE(BigInt(nsec), at + 8);
  }
  checked(
    "utimensat",
    outcome(() => calls().utimensat(fd, empty, times, AT_EMPTY_PATH)),
  );
}
