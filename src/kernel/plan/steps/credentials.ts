// Steps of operations on what a process is and may do.

import type { Assembler } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { fdOf } from "./files.ts";
import {
  CAPABILITY_VERSION_3,
  EBADF,
  EBUSY,
  EINVAL,
  ENOENT,
  F_GETFD,
  IOPRIO_WHO_PROCESS,
  KEYCTL_JOIN_SESSION_KEYRING,
  O_CLOEXEC,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  SECCOMP_SET_MODE_FILTER,
} from "./kernel.table.ts";

const CAPABILITIES = 64;
const has = (mask: bigint, capability: number): boolean => ((mask >> BigInt(capability)) & 1n) === 1n;
const capabilities = Array.from({ length: CAPABILITIES }, (_, index) => index);

/** The first that the kernel does not know ends it. */
function dropBounding(code: Assembler, mask: bigint): void {
  const dropped = capabilities.filter((number) => !has(mask, number));
  const list = code.numbers(4, dropped);
  const [next, refused, end] = [code.label(), code.label(), code.label()];
  const at = code.add(list, 0);
  const last = code.add(list, 4 * dropped.length);
  code.place(next);
  code.skip(at, "==", last, end);
  const capability = code.load(at, 4);
  const result = code.call("prctl", [PR_CAPBSET_DROP, capability, 0, 0, 0], { looks: true });
  code.skip(result, "<", 0, refused);
  code.add(at, 4, at);
  code.go(next);
  code.place(refused);
  code.skip(result, "==", -EINVAL, end);
  code.fail("prctl(PR_CAPBSET_DROP)", result);
  code.place(end);
}

function capset(code: Assembler, { effective, permitted, inheritable }: BodyOf<"capset">): void {
  const header = code.numbers(4, [CAPABILITY_VERSION_3, 0]);
  const half = (shift: bigint): number[] =>
    [effective, permitted, inheritable].map((mask) => Number((mask >> shift) & 0xffff_ffffn));
  code.call("capset", [header, code.numbers(4, [...half(0n), ...half(32n)])]);
}

function raiseAmbient(code: Assembler, mask: bigint): void {
  const ambient = (args: readonly number[], name: string): void =>
    void code.call("prctl", [PR_CAP_AMBIENT, ...args, 0, 0], { label: `prctl(${name})` });
  ambient([PR_CAP_AMBIENT_CLEAR_ALL, 0], "PR_CAP_AMBIENT_CLEAR_ALL");
  for (const capability of capabilities.filter((number) => has(mask, number)))
    ambient([PR_CAP_AMBIENT_RAISE, capability], "PR_CAP_AMBIENT_RAISE");
}

const FILTER_SIZE = 8;

/** The kernel takes the lowest number that is free for the listener: all below are taken first. Nothing follows the call. */
function seccomp(code: Assembler, { filter, flags, listenerSlot }: BodyOf<"seccomp">): void {
  const count = filter.length / FILTER_SIZE;
  if (!Number.isInteger(count) || count > 0xffff) code.fail("seccomp", EINVAL);
  const instructions = code.bytes(filter);
  const program = code.numbers(8, [count]);
  code.pointers([instructions]);
  const wanted = listenerSlot === undefined ? 0 : fdOf(listenerSlot);
  const free = code.native("value", [0], { looks: true });
  for (let fd = 0; fd < wanted; fd++) {
    const taken = code.label();
    code.call("fcntl", [fd, F_GETFD, 0], { looks: true, into: free });
    code.skip(free, "!=", -EBADF, taken);
    code.call("dup3", [0, fd, O_CLOEXEC]);
    code.place(taken);
  }
  const made = code.call("seccomp", [SECCOMP_SET_MODE_FILTER, flags, program], { looks: true });
  code.when(made, "<", 0, () => code.fail("seccomp", made));
  code.when(made, "!=", wanted, () => code.fail("seccomp", EBUSY));
}

/** An inherited handle may lie outside the root: its path is not absolute then (CVE-2024-21626). */
function chdir(code: Assembler, path: string): void {
  const SLASH = 0x2f;
  const where = code.scratch(4096);
  code.call("chdir", [code.text(path)]);
  code.call("getcwd", [where, 4096]);
  code.when(code.load(where, 1), "!=", SLASH, () => code.fail("getcwd", ENOENT));
}

function schedule(code: Assembler, op: BodyOf<"schedSetattr">): void {
  const attributes = code.numbers(4, [op.size, op.policy]);
  code.numbers(8, [op.flags]);
  code.numbers(4, [op.nice, op.priority]);
  code.numbers(8, [op.runtime, op.deadline, op.period]);
  code.call("sched_setattr", [0, attributes, 0]);
}

function limit(code: Assembler, { resource, soft, hard }: BodyOf<"rlimit">): void {
  code.call("prlimit64", [0, resource, code.numbers(8, [soft, hard]), 0], { label: "setrlimit" });
}

function name(code: Assembler, call: "sethostname" | "setdomainname", text: string): void {
  code.call(call, [code.text(text), Buffer.byteLength(text)]);
}

export const credentials = {
  chdir: (code, { path }) => chdir(code, path),
  umask: (code, { mask }) => void code.call("umask", [mask]),
  sethostname: (code, op) => name(code, "sethostname", op.name),
  setdomainname: (code, op) => name(code, "setdomainname", op.name),
  rlimit: limit,
  setgroups: (code, { gids }) => void code.call("setgroups", [gids.length, code.numbers(4, gids)]),
  setgid: (code, { gid }) => void code.call("setresgid", [gid, gid, gid]),
  setuid: (code, { uid }) => void code.call("setresuid", [uid, uid, uid]),
  capBounding: (code, { mask }) => dropBounding(code, mask),
  capset,
  capAmbient: (code, { mask }) => raiseAmbient(code, mask),
  prctl: (code, { option, args }) => {
    const [a = 0, b = 0, c = 0, d = 0] = args;
    code.call("prctl", [option, a, b, c, d]);
  },
  personality: (code, { persona }) => void code.call("personality", [persona]),
  schedSetattr: schedule,
  schedSetaffinity: (code, { mask }) =>
    void code.call("sched_setaffinity", [0, mask.length, code.bytes(mask)]),
  ioprioSet: (code, { value }) => void code.call("ioprio_set", [IOPRIO_WHO_PROCESS, 0, value]),
  setMempolicy: (code, { mode, nodes, maxNode }) =>
    void code.call("set_mempolicy", [mode, code.bytes(nodes), maxNode]),
  joinSessionKeyring: (code, op) =>
    void code.call("keyctl", [KEYCTL_JOIN_SESSION_KEYRING, code.text(op.name), 0, 0, 0]),
  seccomp,
} satisfies Partial<Compilers>;
