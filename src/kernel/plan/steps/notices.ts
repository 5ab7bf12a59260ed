// Notices that the kernel sends to whoever has subscribed to them, here those of nftables: one process holds the subscription, and others wait
// for what comes on it. So nothing is missed between two waits, and a wait ends with the process that holds.

import { type Assembler, behind, type Memory, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { fdOf, keep, open } from "./files.ts";
import {
  AF_NETLINK,
  EAGAIN,
  MSG_DONTWAIT,
  NETLINK_ADD_MEMBERSHIP,
  O_RDONLY,
  POLLIN,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from "./kernel.table.ts";

const LARGE = 1 << 20;
const ROOM = 64 << 10;
const ADDRESS_SIZE = 12;
const COMM_SIZE = 16;
const POLLFD_SIZE = 8;
/** NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN: what ends every change of rules, and tells who made it. */
const NEW_GENERATION = (10 << 8) | 15;

function subscribe(code: Assembler, { protocol, group, slot }: BodyOf<"subscribe">): void {
  const socket = code.call("socket", [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol], { opens: true });
  code.attempt("setsockopt", [socket, SOL_SOCKET, SO_RCVBUFFORCE, code.numbers(4, [LARGE]), 4]);
  code.call("bind", [socket, code.numbers(4, [AF_NETLINK, 0, 0]), ADDRESS_SIZE]); // one without a number is told nothing
  code.call("setsockopt", [socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, code.numbers(4, [group]), 4]);
  keep(code, socket, slot);
}

/** The name of this program as the kernel tells it of whoever changed rules: it ends with a NUL there. */
function ownName(code: Assembler): { readonly name: Memory; readonly size: Register } {
  const name = code.scratch(COMM_SIZE + 1);
  const file = open(code, { path: "/proc/self/comm", flags: O_RDONLY });
  const size = code.call("read", [file, name, COMM_SIZE], { looks: true });
  code.when(size, "<", 1, () => code.fail("read", size));
  code.store(code.add(code.add(size, -1), name), 1, 0); // in the place of the newline
  return { name, size };
}

/** Takes what has come, to the end of it. `heard` is 1 if another program than this one changed rules. */
function takeAll(code: Assembler, socket: Register, own: ReturnType<typeof ownName>, heard: Register): void {
  const [again, lost, end] = [code.label(), code.label(), code.label()];
  const room = code.scratch(ROOM);
  code.place(again);
  const size = code.call("recvfrom", [socket, room, ROOM, MSG_DONTWAIT, 0, 0], { looks: true });
  code.skip(size, "==", -EAGAIN, end);
  code.skip(size, "<", 0, lost); // more came than there is room for
  const type = code.load(behind(room, 4), 2);
  code.skip(type, "!=", NEW_GENERATION, again);
  const found = code.native("find", [room, size, own.name, own.size], { looks: true });
  code.skip(found, ">=", 0, again);
  code.place(lost);
  code.set(heard, 1);
  code.go(again);
  code.place(end);
}

function awaitRuleChange(code: Assembler, { pid, slot }: BodyOf<"awaitRuleChange">): void {
  const [wait, ended] = [code.label(), code.label()];
  const own = ownName(code);
  const holder = code.call("pidfd_open", [pid, 0], { opens: true });
  const socket = code.call("pidfd_getfd", [holder, fdOf(slot), 0], { opens: true });
  const watched = code.numbers(4, [0, POLLIN, 0, POLLIN]);
  code.store(watched, 4, socket);
  code.store(behind(watched, POLLFD_SIZE), 4, holder);
  const heard = code.add(0, 0);
  const event = code.add(0, 0);
  code.place(wait);
  code.call("ppoll", [watched, 2, 0, 0, 0]);
  code.load(behind(watched, POLLFD_SIZE + 6), 2, -1, event);
  code.skip(event, "!=", 0, ended);
  takeAll(code, socket, own, heard);
  code.skip(heard, "==", 0, wait);
  code.place(ended);
}

export const notices = { subscribe, awaitRuleChange } satisfies Partial<Compilers>;
