// Steps of operations on file descriptors and terminals.

import { type Argument, type Assembler, pid, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { checkFilesystem, fdOf, keep, open, stat, typeIn } from "./files.ts";
import {
  AF_UNIX,
  CLOSE_RANGE_CLOEXEC,
  DEVPTS_SUPER_MAGIC,
  ENAMETOOLONG,
  F_SETFL,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  S_IFIFO,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  TCGETS,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "./kernel.table.ts";
import { sendFd, tellFd } from "./messages.ts";

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

/** A unix socket that is bound or connected. */
export function openSocket(code: Assembler, call: "bind" | "connect", type: number, path: string): Register {
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
  sendFd(code, { socket, bytes: message, size: length, passed, label: "connect" });
}

export const descriptors = {
  open: (code, op) => keep(code, open(code, op), op.slot),
  close: (code, { slot }) => void code.call("close", [fdOf(slot)]),
  dupTo: (code, { slot, fd }) => void code.call("dup3", [fdOf(slot), fd, 0], { label: "dup2" }),
  cloexecFrom: (code, { first }) => void code.call("close_range", [first, -1, CLOSE_RANGE_CLOEXEC]),
  openPty: (code, { root, master, slave }) => openPty(code, root, [master, slave]),
  sendFd: (code, { slot, kept }) => tellFd(code, slot, kept === true),
  passFd,
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
