// What operations do with paths, files and fds, in steps.

import { SLOT_BASE } from "../ops.ts";
import { type Argument, type Assembler, behind, type Memory, pid, type Register } from "./assembler.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  EINVAL,
  ENOENT,
  ENOTDIR,
  EXDEV,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFMT,
} from "./kernel.table.ts";
import { constants } from "./steps.table.ts";

export interface Place {
  readonly path: string;
  /** Slot of the directory below which the path stays. */
  readonly root?: number | undefined;
}

export const fdOf = (slot: number): number => SLOT_BASE + slot;
const directoryOf = (root: number | undefined): number => (root === undefined ? AT_FDCWD : fdOf(root));

const PATH_ROOM = 4096;

/** In host operations $PID stands for the child's. */
function expand(code: Assembler, path: string): Memory {
  const [before = "", ...after] = path.split("$PID");
  if (!code.isHost || after.length === 0) return code.text(path);
  return code.print(PATH_ROOM, "%s%ld%s", code.text(before), pid, code.text(after.join("$PID")));
}

/** For calls that know no fd: as a text for mount(2). */
export const pathOfFd = (code: Assembler, fd: Argument): Memory =>
  typeof fd === "number" ? code.text(`/proc/self/fd/${fd}`) : code.print(32, "/proc/self/fd/%ld", fd);

interface Opening extends Place {
  readonly flags: number;
  readonly mode?: number;
  /** A failure is a result. */
  readonly looks?: boolean;
}

/** openat2(2): below a root nothing leads outside. */
export function open(code: Assembler, { path, root, flags, mode = 0, looks = false }: Opening): Register {
  const resolve = root === undefined ? 0 : RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const how = code.numbers(8, [flags | O_CLOEXEC, flags & O_CREAT ? mode : 0, resolve]);
  const name = expand(code, root !== undefined && path === "" ? "." : path);
  return code.call("openat2", [directoryOf(root), name, how, 24], { opens: true, looks });
}

/** What a mount comes to lie on, or lies on. An empty path is the slot itself, which may be a file. */
export const openTarget = (code: Assembler, { path, root }: Place, looks = false): Argument =>
  root !== undefined && path === "" ? fdOf(root) : open(code, { path, root, flags: O_PATH, looks });

/** The directory of the last component, and that. */
export function openParent(code: Assembler, { path, root }: Place): readonly [Register, Memory] {
  const slash = path.lastIndexOf("/");
  const base = path.slice(slash + 1);
  if (base === "..") code.fail("openat2", EINVAL);
  const directory = slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
  return [open(code, { path: directory, root, flags: O_PATH | O_DIRECTORY }), code.text(base)];
}

/** What is to be there at the path; directories above are made with `parents`. The type is in the mode. */
export const make = (
  code: Assembler,
  place: Place & { readonly mode: number; readonly parents: boolean; readonly into?: Register },
): Register =>
  code.native(
    "make",
    [directoryOf(place.root), expand(code, place.path), place.mode, place.parents ? 1 : 0],
    { opens: true, ...(place.into !== undefined && { into: place.into }) },
  );

export function keep(code: Assembler, fd: Argument, slot: number): void {
  code.call("dup3", [fd, fdOf(slot), O_CLOEXEC]);
}

interface Opened {
  readonly label: string;
  readonly result: Argument;
  /** Further errnos that say so. */
  readonly missing?: readonly number[];
}

/** Goes on behind the body if the result is that there is no such target; another failure is one. */
export function unlessMissing(
  code: Assembler,
  { label, result, missing = [] }: Opened,
  body: () => void,
): void {
  const end = code.label();
  if (typeof result !== "number" && result.kind === constants.ARGUMENT_REGISTER) {
    for (const errno of [ENOENT, ENOTDIR, ...missing]) code.skip(result, "==", -errno, end);
    code.when(result, "<", 0, () => code.fail(label, result));
  }
  body();
  code.place(end);
}

export const STATX_SIZE = 256;
const STATX_BASIC_STATS = 0x7ff;
/** Where struct statx has what. */
export const statxFields = {
  uid: 20,
  gid: 24,
  mode: 28,
  inode: 32,
  accessTime: 64,
  birthTime: 80,
  modificationTime: 112,
  special: 128,
  device: 136,
  mount: 144,
} as const;

export interface Found {
  readonly memory: Memory;
  readonly result: Register;
}

interface Looking {
  /** Of this name in the directory; else of the fd itself. */
  readonly name?: Memory;
  readonly flags?: number;
  readonly looks?: boolean;
  /** Used again. */
  readonly memory?: Memory;
  readonly into?: Register;
}

export function stat(code: Assembler, fd: Argument, looking: Looking = {}): Found {
  const { name, flags = AT_EMPTY_PATH, into, looks = into !== undefined } = looking;
  const memory = looking.memory ?? code.scratch(STATX_SIZE);
  const args = [fd, name ?? code.text(""), flags, STATX_BASIC_STATS, memory];
  const label = name === undefined ? "fstat" : "fstatat";
  return {
    memory,
    result: code.call("statx", args, { looks, ...(looks ? {} : { label }), ...(into && { into }) }),
  };
}

export const typeIn = (code: Assembler, { memory }: Found, into?: Register): Register =>
  code.load(behind(memory, statxFields.mode), 2, S_IFMT, into);

/** Fails unless the fd is on such a file system: nothing else may lie where procfs, sysfs or a cgroup should be. */
export function checkFilesystem(code: Assembler, fd: Argument, magic: number): void {
  const found = code.scratch(128);
  code.call("fstatfs", [fd, found]);
  code.when(code.load(found, 4), "!=", magic, () => code.fail("fstatfs", EXDEV));
}

/** The same number as the kernel's user-space macro makes. */
export const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
