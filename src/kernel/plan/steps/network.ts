// Steps of netlink conversations, and of the eBPF device programs of cgroup v2.

import { type Argument, type Assembler, behind, type Memory, pid, type Register } from "./assembler.ts";
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

/** nftables takes a batch as one datagram; rtnetlink stops at the first failure only if asked one by one. */
function netlink(code: Assembler, op: BodyOf<"netlink">): void {
  const { protocol, messages, ignoreErrno = [], pidAt = 0 } = op;
  if (messages.length === 0) return;
  const socket = openSocket(code, protocol);
  const room = code.scratch(RECEIVED);
  const result = code.native("value", [0], { looks: true });
  const datagrams = protocol === NETLINK_NETFILTER ? [Buffer.concat(messages)] : messages;
  datagrams.forEach((datagram, index) => {
    const next = code.label();
    const bytes = code.bytes(datagram);
    if (index === 0 && pidAt > 0) code.store(behind(bytes, pidAt), 4, pid);
    const asked = [socket, bytes, datagram.length, expectedReplies(datagram), room, RECEIVED];
    if (ignoreErrno.length === 0) {
      code.native("talk", asked);
      return;
    }
    code.native("talk", asked, { looks: true, into: result });
    code.skip(result, ">=", 0, next);
    for (const errno of ignoreErrno) code.skip(result, "==", -errno, next);
    code.fail("netlink", result);
    code.place(next);
  });
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
