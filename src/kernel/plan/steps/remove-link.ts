// The removal of a network interface. The kernel takes it out of its namespace at once, tells so, and keeps the caller until a grace period of RCU has
// passed, which changes nothing that anybody sees. So another process makes the call.
//
//   this process                              one beside it                          kernel
//     clone(CLONE_PARENT) ------------------->  sendto(RTM_DELLINK, NLM_F_ECHO) ----->  takes it away, from its bridge, too
//     recvfrom, on the same socket <--------------------------------------------------  RTM_DELLINK, or an errno
//     sendto(RTM_GETLINK) ------------------------------------------------------------>  waits for the lock of all that
//     goes on                                   comes back, and ends
//
// A kernel that does not know NLM_F_ECHO here (before 6.2) answers when the call comes back.

import { type Assembler, behind, type Label, type Memory, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import {
  AF_NETLINK,
  CLONE_PARENT,
  CLONE_PIDFD,
  EAGAIN,
  ECHILD,
  ENODEV,
  MSG_DONTWAIT,
  NETLINK_ROUTE,
  POLLIN,
  SIGCHLD,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from "./kernel.table.ts";

const ROOM = 64 << 10;
const ADDRESS_SIZE = 12;
const POLLFD_SIZE = 8;
const HEADER = 16;
const NLMSG_ERROR = 2;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
const LOOPBACK_INDEX = 1;

/** Makes the call. It is nobody's child that would have to wait for it: the zygote's, like this process. Returns its pidfd. */
function leaveBehind(code: Assembler, socket: Register, message: Uint8Array): Register {
  const fd = code.scratch(4);
  const bytes = code.bytes(message);
  const left = code.call("clone", [CLONE_PIDFD | CLONE_PARENT | SIGCHLD, 0, fd, 0, 0], { looks: true });
  code.when(left, "<", 0, () => code.fail("fork", left));
  code.when(left, "==", 0, () => {
    code.attempt("sendto", [socket, bytes, message.length, 0, 0, 0]);
    code.attempt("exit_group", [0]);
  });
  return code.native("load", [fd, 4, -1], { looks: true, opens: true });
}

/** Goes on at the label when the kernel says that the interface is gone, or was not there. Nobody else is listened to. */
function awaitAnswer(code: Assembler, socket: Register, left: Register, gone: Label): void {
  const [again, silent] = [code.label(), code.label()];
  const [room, from, fromSize] = [code.scratch(ROOM), code.scratch(ADDRESS_SIZE), code.scratch(4)];
  const watched = code.numbers(4, [0, POLLIN, 0, POLLIN]);
  const pollfd = (index: number): Memory => behind(watched, index * POLLFD_SIZE);
  code.store(pollfd(0), 4, socket);
  code.store(pollfd(1), 4, left);
  const size = code.register();
  const word = code.register();
  code.place(again);
  code.call("ppoll", [watched, 2, 0, 0, 0]);
  code.store(fromSize, 4, ADDRESS_SIZE);
  code.call("recvfrom", [socket, room, ROOM, MSG_DONTWAIT, from, fromSize], { looks: true, into: size });
  code.skip(size, "==", -EAGAIN, silent);
  code.when(size, "<", 0, () => code.fail("recv", size));
  code.skip(code.load(behind(from, 4), 4, -1, word), "!=", 0, again);
  code.load(behind(room, 4), 2, -1, word);
  code.skip(word, "==", RTM_DELLINK, gone);
  code.skip(word, "!=", NLMSG_ERROR, again);
  code.load(behind(room, HEADER), 4, -1, word);
  code.skip(word, "==", 0, gone);
  for (let half = 0; half < 2; half++) code.add(word, -(2 ** 31), word);
  code.skip(word, "==", -ENODEV, gone);
  code.fail("netlink", word);
  code.place(silent);
  code.skip(code.load(behind(pollfd(1), 6), 2, -1, word), "==", 0, again);
  code.fail("send", ECHILD);
}

function removeLink(code: Assembler, { message }: BodyOf<"removeLink">): void {
  const gone = code.label();
  const socket = code.call("socket", [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE], { opens: true });
  const question = code.numbers(4, [32, (NLM_F_REQUEST << 16) | RTM_GETLINK, 0, 0, 0, LOOPBACK_INDEX, 0, 0]);
  awaitAnswer(code, socket, leaveBehind(code, socket, message), gone);
  code.place(gone);
  code.call("sendto", [socket, question, 32, 0, 0, 0], { label: "send" });
}

export const removal = { removeLink } satisfies Partial<Compilers>;
