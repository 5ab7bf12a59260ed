// Steps of operations on processes and namespaces, and of the program to run.

import { type Argument, type Assembler, behind, type Memory, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { checkFilesystem, fdOf, keep, open, stat, typeIn } from "./files.ts";
import {
  AT_EACCESS,
  AT_FDCWD,
  CLONE_INTO_CGROUP,
  CLONE_NEWNET,
  CLONE_NEWUSER,
  EACCES,
  ECANCELED,
  ENOENT,
  ENOTDIR,
  EPERM,
  ESRCH,
  O_CLOEXEC,
  O_RDONLY,
  O_WRONLY,
  PROC_SUPER_MAGIC,
  S_IFDIR,
  SIGCHLD,
  X_OK,
} from "./kernel.table.ts";
import { awaitStart, tellPid } from "./messages.ts";
import { spawn } from "./spawn.ts";
import { constants } from "./steps.table.ts";

const CLONE_ARGS_SIZE = 88;
const PID_DIGITS = 10;
const ZERO = "0".charCodeAt(0);

function cloneArguments(code: Assembler, flags: number, signal: number, cgroup = 0): Memory {
  return code.numbers(8, [flags, 0, 0, 0, signal, 0, 0, 0, 0, 0, cgroup]);
}

interface Pipe {
  readonly reads: Register;
  readonly writes: Register;
  readonly byte: Memory;
}

function makePipe(code: Assembler): Pipe {
  const ends = code.scratch(8);
  code.call("pipe2", [ends, O_CLOEXEC]);
  return { reads: code.load(ends, 4), writes: code.load(behind(ends, 4), 4), byte: ends };
}

const end = (code: Assembler, status: number): void => {
  code.call("exit_group", [status]);
};

/** The parent leaves, and the child is the shim's, the nearest that adopts. It goes on only when that has been told its pid: nothing
 *  that it says comes before. */
function clone(code: Assembler, flags: number, cgroupSlot: number | undefined): void {
  const all = flags + (cgroupSlot === undefined ? 0 : CLONE_INTO_CGROUP);
  const wanted = cloneArguments(code, all, SIGCHLD, cgroupSlot === undefined ? 0 : fdOf(cgroupSlot));
  const { reads, writes, byte } = makePipe(code);
  const pid = code.call("clone3", [wanted, CLONE_ARGS_SIZE], { looks: true });
  code.when(pid, "<", 0, () => code.fail("clone3", pid));
  code.when(pid, "!=", 0, () => {
    const told = tellPid(code, pid);
    code.when(told, ">=", 0, () => code.attempt("write", [writes, byte, 1]));
    end(code, 0);
  });
  code.call("close", [writes]);
  const said = code.call("read", [reads, byte, 1], { looks: true });
  code.call("close", [reads]);
  code.when(said, "!=", 1, () => code.fail("clone3", ECANCELED));
}

/** Of a process, with its pid in the path. */
function writeOf(code: Assembler, pid: Register, file: string, data: Uint8Array): void {
  const how = code.numbers(8, [O_WRONLY | O_CLOEXEC, 0, 0]);
  const path = code.print(64, `/proc/%ld/${file}`, pid);
  const fd = code.call("openat2", [AT_FDCWD, path, how, 24], { opens: true });
  checkFilesystem(code, fd, PROC_SUPER_MAGIC);
  code.native("write", [fd, code.bytes(data), data.length]);
}

function keepNamespace(code: Assembler, pid: Register, type: "user" | "net", slot: number): void {
  const how = code.numbers(8, [O_RDONLY | O_CLOEXEC, 0, 0]);
  const namespace = [AT_FDCWD, code.print(64, `/proc/%ld/ns/${type}`, pid), how, 24];
  keep(code, code.call("openat2", namespace, { opens: true }), slot);
}

/** A namespace begins with a process. That ends when the pipe does, even if this one is killed. */
function makeUserNamespace(code: Assembler, op: BodyOf<"userNamespace">): void {
  const { reads, writes, byte } = makePipe(code);
  const flags = op.networkSlot === undefined ? CLONE_NEWUSER : CLONE_NEWUSER | CLONE_NEWNET;
  const wanted = cloneArguments(code, flags, SIGCHLD);
  const pid = code.call("clone3", [wanted, CLONE_ARGS_SIZE], { looks: true });
  code.when(pid, "<", 0, () => code.fail("clone3", pid));
  code.when(pid, "==", 0, () => {
    code.attempt("close", [writes]);
    code.attempt("read", [reads, byte, 1]);
    end(code, 0);
  });
  writeOf(code, pid, "uid_map", op.uidMap);
  writeOf(code, pid, "gid_map", op.gidMap);
  keepNamespace(code, pid, "user", op.slot);
  if (op.networkSlot !== undefined) keepNamespace(code, pid, "net", op.networkSlot);
  code.call("close", [reads]);
  code.call("close", [writes]);
  code.call("wait4", [pid, 0, 0, 0]);
}

/** Made by a child that enters its owner, and says when it has. */
function makeOwnedNetwork(code: Assembler, { userSlot, slot }: BodyOf<"ownedNetwork">): void {
  const [stay, made] = [makePipe(code), makePipe(code)];
  const pid = code.call("clone3", [cloneArguments(code, 0, SIGCHLD), CLONE_ARGS_SIZE], { looks: true });
  code.when(pid, "<", 0, () => code.fail("clone3", pid));
  code.when(pid, "==", 0, () => {
    code.attempt("close", [stay.writes]);
    const entered = code.call("setns", [fdOf(userSlot), CLONE_NEWUSER], { looks: true });
    code.when(entered, "<", 0, () => end(code, 1));
    const left = code.call("unshare", [CLONE_NEWNET], { looks: true });
    code.when(left, "<", 0, () => end(code, 1));
    code.attempt("write", [made.writes, made.byte, 1]);
    code.attempt("read", [stay.reads, stay.byte, 1]);
    end(code, 0);
  });
  code.call("close", [made.writes]);
  const said = code.call("read", [made.reads, made.byte, 1], { looks: true });
  code.when(said, "!=", 1, () => code.fail("unshare", EPERM));
  keepNamespace(code, pid, "net", slot);
  for (const fd of [made.reads, stay.reads, stay.writes]) code.call("close", [fd]);
  code.call("wait4", [pid, 0, 0, 0]);
}

/** Fails as execve(2) will if none of the candidates is a program. */
function findProgram(code: Assembler, candidates: readonly string[]): void {
  const found = code.label();
  const error = code.native("value", [-ENOENT], { looks: true });
  const exists = code.native("value", [0], { looks: true });
  const runs = code.native("value", [0], { looks: true });
  const type = code.native("value", [0], { looks: true });
  const memory = code.scratch(256);
  for (const candidate of candidates) {
    const path = code.text(candidate);
    const next = code.label();
    stat(code, AT_FDCWD, { name: path, flags: 0, into: exists, memory });
    code.skip(exists, "<", 0, next);
    code.set(error, -EACCES);
    typeIn(code, { memory, result: exists }, type);
    code.skip(type, "==", S_IFDIR, next);
    code.call("faccessat2", [AT_FDCWD, path, X_OK, AT_EACCESS], { looks: true, into: runs });
    code.skip(runs, ">=", 0, found);
    code.place(next);
  }
  code.fail("execve", error);
  code.place(found);
}

/** Goes on at ENOENT, ENOTDIR and EACCES, which wins over the others as the result. */
function exec(code: Assembler, candidates: readonly string[], rest: readonly [Argument, Argument]): void {
  const error = code.native("value", [-ENOENT], { looks: true });
  const result = code.native("value", [0], { looks: true });
  const label = code.text("execve");
  for (const candidate of candidates) {
    const next = code.label();
    code.call("execve", [code.text(candidate), ...rest], { looks: true, into: result });
    code.skip(result, "==", -ENOENT, next);
    code.skip(result, "==", -ENOTDIR, next);
    code.when(result, "!=", -EACCES, () => code.fail(label, result));
    code.set(error, -EACCES);
    code.place(next);
  }
  code.fail(label, error);
}

/** A clone made by somebody else, of whom all that is known is in a file. */
function handOver(code: Assembler, path: string): void {
  code.mark(constants.MARK_CLONES);
  const text = code.bytes(new Uint8Array(PID_DIGITS)); // zeros behind what is read
  code.call("read", [open(code, { path, flags: O_RDONLY }), text, PID_DIGITS]);
  const pid = readNumber(code, text, PID_DIGITS);
  code.when(pid, "<", 2, () => code.fail("read", ESRCH));
  tellPid(code, pid);
  end(code, 0);
}

/** What the digits say that a text of so many bytes begins with. */
function readNumber(code: Assembler, text: Memory, size: number): Register {
  const number = code.native("value", [0], { looks: true });
  const digit = code.native("value", [0], { looks: true });
  const done = code.label();
  for (let at = 0; at < size; at++) {
    code.load(behind(text, at), 1, -1, digit);
    code.add(digit, -ZERO, digit);
    code.skip(digit, "<", 0, done);
    code.skip(digit, ">=", 10, done);
    code.native("value", [digit, number, 10], { looks: true, into: number });
  }
  code.place(done);
  return number;
}

export const processes = {
  clone: (code, { flags, intoCgroupSlot }) => {
    code.mark(constants.MARK_CLONES);
    if (intoCgroupSlot === undefined && !code.isHost) code.mark(constants.MARK_CLONES_SIMPLY);
    clone(code, flags, intoCgroupSlot);
  },
  unshare: (code, { flags }) => void code.call("unshare", [flags]),
  setns: (code, { path, slot, flags }) => {
    const fd = slot === undefined ? open(code, { path: path ?? "", flags: O_RDONLY }) : fdOf(slot);
    code.call("setns", [fd, flags]);
  },
  pidfd: (code, { pid, slot }) => keep(code, code.call("pidfd_open", [pid, 0], { opens: true }), slot),
  awaitStart: (code) => {
    code.mark(constants.MARK_AWAITS_START);
    awaitStart(code);
  },
  awaitByte: (code, { slot }) => void code.call("read", [fdOf(slot), code.scratch(1), 1]),
  userNamespace: makeUserNamespace,
  ownedNetwork: makeOwnedNetwork,
  findProgram: (code, { candidates }) => findProgram(code, candidates),
  setsid: (code) => void code.call("setsid", []),
  exec: (code, { candidates, argv, env }) => exec(code, candidates, [code.texts(argv), code.texts(env)]),
  spawn,
  handOver: (code, { path }) => handOver(code, path),
  chroot: (code, { path }) => void code.call("chroot", [code.text(path)]),
} satisfies Partial<Compilers>;
