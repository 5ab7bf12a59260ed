// Steps of operations on file descriptors and terminals.

import { type Argument, type Assembler, pid, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { checkFilesystem, fdOf, keep, open, stat, typeIn } from "./files.ts";
import {
  AF_UNIX,
  AT_FDCWD,
  CLOSE_RANGE_CLOEXEC,
  DEVPTS_SUPER_MAGIC,
  ENAMETOOLONG,
  F_SETFL,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  S_IFIFO,
  SIGCHLD,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SYNC_FD,
  SYNC_KEEP,
  TCGETS,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "./kernel.table.ts";

function openPty(code: Assembler, root: number, [masterSlot, slaveSlot]: readonly [number, number]): void {
  const master = open(code, { root, path: "dev/pts/ptmx", flags: O_RDWR | O_NOCTTY | O_NONBLOCK });
  checkFilesystem(code, master, DEVPTS_SUPER_MAGIC);
  code.call("ioctl", [master, TIOCSPTLCK, code.numbers(4, [0])], { label: "ioctl(TIOCSPTLCK)" });
  const slave = code.call("ioctl", [master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC], {
    opens: true,
    label: "ioctl(TIOCGPTPEER)",
  });
  // waiting again: a console socket's reader expects that of a terminal
  code.attempt("fcntl", [master, F_SETFL, O_RDWR]);
  keep(code, master, masterSlot);
  keep(code, slave, slaveSlot);
}

/** Pipes and terminals only: /dev/null and its like are everybody's. */
function chownStream(code: Assembler, fd: number, uid: number, gid: number): void {
  const [ours, others] = [code.label(), code.label()];
  code.skip(typeIn(code, stat(code, fd)), "==", S_IFIFO, ours);
  code.skip(code.call("ioctl", [fd, TCGETS, code.scratch(64)], { looks: true }), "<", 0, others);
  code.place(ours);
  code.call("fchown", [fd, uid, gid]);
  code.place(others);
}

const MESSAGE_ROOM = 200 << 10;
const ADDRESS_ROOM = 108;

/** With "@" a name that is no path. */
const anyName = (path: string): string => path.replace(/^@/, "\0");

/** A socket that is bound or connected. */
function openSocket(code: Assembler, call: "bind" | "connect", type: number, path: string): Register {
  const address = Buffer.concat([Uint8Array.of(AF_UNIX, 0), Buffer.from(path)]);
  if (address.length - 2 >= ADDRESS_ROOM) code.fail(call, ENAMETOOLONG);
  const socket = code.call("socket", [AF_UNIX, type | SOCK_CLOEXEC, 0], { opens: true });
  code.call(call, [socket, code.bytes(address), address.length]);
  return socket;
}

/** The fd that is passed: the child's, one that it has sent, or a pidfd of the child. */
function takeFd(code: Assembler, { slot, sent }: BodyOf<"passFd">): Argument {
  if (slot !== undefined && sent === true) return fdOf(slot);
  const child = code.call("pidfd_open", [pid, 0], { opens: true });
  return slot === undefined ? child : code.call("pidfd_getfd", [child, fdOf(slot), 0], { opens: true });
}

function passFd(code: Assembler, op: BodyOf<"passFd">): void {
  const { path, parts } = op;
  const passed = takeFd(code, op);
  const format = parts.map((_, index) => (index === 0 ? "%s" : "%ld%s")).join("");
  const values = parts.flatMap((part, index) => [...(index === 0 ? [] : [pid]), code.text(part)]);
  const message = code.scratch(MESSAGE_ROOM);
  const length = code.native("print", [message, MESSAGE_ROOM, code.text(format), ...values], { looks: true });
  code.when(length, "<", 0, () => code.fail("sendmsg", length));
  const socket = openSocket(code, "connect", SOCK_STREAM | SOCK_NONBLOCK, path);
  code.native("send", [socket, message, length, passed], { label: "connect" });
}

/** The process that is left behind keeps nothing of the caller's open. */
function relayReadiness(code: Assembler, { path, to, pid: service, main }: BodyOf<"relayReadiness">): void {
  const process = code.call("pidfd_open", [service, 0], { opens: true });
  const manager = openSocket(code, "connect", SOCK_DGRAM, anyName(to));
  const said = openSocket(code, "bind", SOCK_DGRAM, anyName(path));
  code.call("fchmodat", [AT_FDCWD, code.text(path), 0o777], { label: "bind" });
  const relay = code.call("clone", [SIGCHLD, 0, 0, 0, 0], { looks: true });
  code.when(relay, "<", 0, () => code.fail("fork", relay));
  code.when(relay, "==", 0, () => {
    for (const [fd, kept] of [said, process, manager].entries()) code.attempt("dup3", [kept, fd, 0]);
    code.attempt("close_range", [3, -1, 0]);
    code.native("relay_readiness", [0, 1, 2, main]);
    code.call("exit_group", [0]);
  });
  const told = code.scratch(4);
  code.store(told, 4, relay);
  code.native("result", [told, 4]);
}

export const descriptors = {
  open: (code, op) => keep(code, open(code, op), op.slot),
  close: (code, { slot }) => void code.call("close", [fdOf(slot)]),
  dupTo: (code, { slot, fd }) => void code.call("dup3", [fdOf(slot), fd, 0], { label: "dup2" }),
  cloexecFrom: (code, { first }) => void code.call("close_range", [first, -1, CLOSE_RANGE_CLOEXEC]),
  openPty: (code, { root, master, slave }) => openPty(code, root, [master, slave]),
  sendFd: (code, { slot, kept }) =>
    void code.native("tell", [kept === true ? SYNC_KEEP : SYNC_FD, 0, fdOf(slot), slot]),
  passFd,
  relayReadiness,
  controllingTty: (code, { slot }) =>
    void code.call("ioctl", [fdOf(slot), TIOCSCTTY, 0], { label: "ioctl(TIOCSCTTY)" }),
  windowSize: (code, { slot, rows, cols }) => {
    const size = code.numbers(8, [(rows & 0xffff) + (cols & 0xffff) * 0x1_0000]);
    code.call("ioctl", [fdOf(slot), TIOCSWINSZ, size], { label: "ioctl(TIOCSWINSZ)" });
  },
  chownStdio: (code, { uid, gid }) => {
    for (const fd of [0, 1, 2]) chownStream(code, fd, uid, gid);
  },
} satisfies Partial<Compilers>;
