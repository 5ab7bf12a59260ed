// Steps of netlink conversations, and of the eBPF device programs of cgroup v2.

import {
  type Argument,
  type Assembler,
  behind,
  type Label,
  type Memory,
  pid,
  type Register,
} from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { open } from "./files.ts";
import {
  AF_NETLINK,
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  EBADMSG,
  NETLINK_NETFILTER,
  O_DIRECTORY,
  O_RDONLY,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
} from "./kernel.table.ts";

const HEADER = 16;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;

/** How many replies end what was asked: one for each message that wants an acknowledgement or a dump. */
function expectedReplies(messages: Uint8Array): number {
  const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
  let replies = 0;
  for (let at = 0; at + HEADER <= messages.length; ) {
    const flags = view.getUint16(at + 6, true);
    if ((flags & NLM_F_ACK) !== 0 || (flags & NLM_F_DUMP) === NLM_F_DUMP) replies++;
    at += Math.max(HEADER, (view.getUint32(at, true) + 3) & ~3);
  }
  return replies;
}

const RECEIVED = 64 << 10;
const LARGE = 4 << 20;
const PATIENCE_SECONDS = 10;

function openSocket(code: Assembler, protocol: number): Register {
  // Closing an nftables socket waits 20 ms for what its batches removed: that is left to the end of the process, after the reply.
  const kept = protocol === NETLINK_NETFILTER;
  const options = kept ? { looks: true } : { opens: true };
  const socket = code.call("socket", [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol], options);
  if (kept) code.when(socket, "<", 0, () => code.fail("socket", socket));
  const set = (option: number, value: Memory, size: number): void => {
    code.attempt("setsockopt", [socket, SOL_SOCKET, option, value, size]);
  };
  const large = code.numbers(4, [LARGE]);
  set(SO_RCVTIMEO, code.numbers(8, [PATIENCE_SECONDS, 0]), 16);
  set(SO_SNDBUFFORCE, large, 4);
  set(SO_RCVBUFFORCE, large, 4);
  return socket;
}

/** Of a list of datagrams to send: the address, the size, and how many replies end what it asks. */
const ENTRY_SIZE = 16;

/** nftables takes a batch as one datagram; rtnetlink stops at the first failure only if asked one by one. */
function listDatagrams(code: Assembler, { protocol, messages, pidAt = 0 }: BodyOf<"netlink">) {
  const datagrams = protocol === NETLINK_NETFILTER ? [Buffer.concat(messages)] : messages;
  const bytes = datagrams.map((datagram) => code.bytes(datagram));
  const begin = code.pointers([]);
  datagrams.forEach((datagram, index) => {
    code.pointers(bytes.slice(index, index + 1));
    code.numbers(4, [datagram.length, expectedReplies(datagram)]);
  });
  if (pidAt > 0) for (const first of bytes.slice(0, 1)) code.store(behind(first, pidAt), 4, pid);
  return { begin, end: behind(begin, datagrams.length * ENTRY_SIZE) };
}

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const ADDRESS_SIZE = 12;

/** Sends the datagram of the entry, and takes what answers it: all but acknowledgements and ends are results. Only the kernel is
 *  listened to: what else runs in a container's network namespace could send an answer, too. Gives 0 or a negative errno. */
function converse(code: Assembler, socket: Register, entry: Register): Register {
  const room = code.scratch(RECEIVED);
  const [from, fromSize] = [code.scratch(ADDRESS_SIZE), code.scratch(4)];
  const [receive, end] = [code.label(), code.label()];
  const bytes = code.load(entry, 8);
  const size = code.load(code.add(entry, 8), 4);
  const left = code.load(code.add(entry, 12), 4);
  const error = code.add(0, 0);
  code.call("sendto", [socket, bytes, size, 0, 0, 0], { label: "send" });
  code.place(receive);
  code.skip(left, "==", 0, end);
  code.store(fromSize, 4, ADDRESS_SIZE);
  code.call("recvfrom", [socket, room, RECEIVED, 0, from, fromSize], { label: "recv", into: size });
  code.skip(code.load(behind(from, 4), 4, -1, bytes), "!=", 0, receive);
  code.add(room, 0, bytes);
  takeReplies(code, { at: bytes, end: code.add(room, size, size), left, error }, end);
  code.go(receive);
  code.place(end);
  return error;
}

interface Received {
  /** Registers: where the next message begins, and where the last one ends. */
  readonly at: Register;
  readonly end: Register;
  /** Replies that are still to come. */
  readonly left: Register;
  readonly error: Register;
}

/** The messages of a datagram; goes on at the label with an error. */
function takeReplies(code: Assembler, { at, end, left, error }: Received, failed: Label): void {
  const [message, answer, acknowledged] = [code.label(), code.label(), code.label()];
  const [next, taken] = [code.label(), code.label()];
  const padded = code.scratch(4);
  code.place(message); // u32 length, u16 type
  const body = code.add(at, HEADER);
  code.skip(end, "<", body, taken);
  const length = code.load(at, 4);
  const found = code.add(at, length);
  code.skip(length, "<", HEADER, taken);
  code.skip(end, "<", found, taken);
  code.load(code.add(at, 4, found), 2, -1, found);
  code.skip(found, "==", NLMSG_ERROR, answer);
  code.skip(found, "==", NLMSG_DONE, answer);
  code.native("result", [at, length]);
  code.go(next);

  code.place(answer); // a negative errno, or 0
  code.when(length, "<", HEADER + 4, () => code.fail("netlink", EBADMSG));
  code.load(code.add(body, 3, found), 1, 0x80, found);
  code.skip(found, "==", 0, acknowledged);
  code.load(body, 4, -1, error);
  for (let half = 0; half < 2; half++) code.add(error, -(2 ** 31), error);
  code.go(failed);
  code.place(acknowledged);
  code.add(left, -1, left);

  code.place(next); // they are padded to whole words
  code.store(padded, 4, code.add(length, 3, length));
  code.add(at, code.load(padded, 4, ~3, length), at);
  code.go(message);
  code.place(taken);
}

function netlink(code: Assembler, op: BodyOf<"netlink">): void {
  if (op.messages.length === 0) return;
  const [again, next] = [code.label(), code.label()];
  const socket = openSocket(code, op.protocol);
  const { begin, end } = listDatagrams(code, op);
  const entry = code.add(begin, 0);
  code.place(again);
  const error = converse(code, socket, entry);
  code.skip(error, ">=", 0, next);
  for (const errno of op.ignoreErrno ?? []) code.skip(error, "==", -errno, next);
  code.fail("netlink", error);
  code.place(next);
  code.add(entry, ENTRY_SIZE, entry);
  code.skip(end, "!=", entry, again);
}

const bpf = (
  code: Assembler,
  command: readonly [number, string],
  attributes: readonly [Memory, number],
  opens = false,
): Register => code.call("bpf", [command[0], ...attributes], { opens, label: `bpf(${command[1]})` });

const MOST_PROGRAMS = 64;

/** The new program is attached before the old ones go; what is listed first is the oldest. */
function replaceDeviceProgram(code: Assembler, path: string, program: Uint8Array): void {
  const [again, end] = [code.label(), code.label()];
  const cgroup = open(code, { path, flags: O_RDONLY | O_DIRECTORY });
  const [instructions, license] = [code.bytes(program), code.text("Apache-2.0")];
  const load = code.numbers(4, [BPF_PROG_TYPE_CGROUP_DEVICE, program.length / 8]);
  code.pointers([instructions, license]);
  code.numbers(8, [0, 0, 0]);
  const loaded = bpf(code, [BPF_PROG_LOAD, "BPF_PROG_LOAD"], [load, 48], true);

  const attach = code.numbers(4, [0, 0, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI]);
  code.store(attach, 4, cgroup);
  code.store(behind(attach, 4), 4, loaded);
  bpf(code, [BPF_PROG_ATTACH, "BPF_PROG_ATTACH"], [attach, 16]);

  const found = code.bytes(new Uint8Array(4 * MOST_PROGRAMS));
  const query = code.numbers(4, [0, BPF_CGROUP_DEVICE, 0, 0]);
  code.pointers([found]);
  const count = code.numbers(8, [0, 0, 0, 0, 0]); // newer kernels tell more behind it
  const byId = code.numbers(4, [0, 0, 0]);
  const detach = code.numbers(4, [0, 0, BPF_CGROUP_DEVICE, 0]);
  const number: Register = code.native("value", [0], { looks: true });
  const fill = (to: Memory, value: Argument): void => code.store(to, 4, value);
  fill(query, cgroup);
  fill(detach, cgroup);
  code.place(again);
  fill(count, MOST_PROGRAMS);
  bpf(code, [BPF_PROG_QUERY, "BPF_PROG_QUERY"], [query, 32]);
  code.load(count, 4, -1, number);
  code.skip(number, "<", 2, end);
  code.load(found, 4, -1, number);
  fill(byId, number);
  code.call("bpf", [BPF_PROG_GET_FD_BY_ID, byId, 12], { looks: true, into: number });
  code.when(number, "<", 0, () => code.fail("bpf(BPF_PROG_GET_FD_BY_ID)", number));
  fill(behind(detach, 4), number);
  bpf(code, [BPF_PROG_DETACH, "BPF_PROG_DETACH"], [detach, 16]);
  code.call("close", [number]);
  code.go(again);
  code.place(end);
}

export const network = {
  netlink,
  bpfDevice: (code, { path, program }) => replaceDeviceProgram(code, path, program),
} satisfies Partial<Compilers>;
