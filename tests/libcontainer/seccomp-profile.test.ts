// Every action, operator, flag and architecture of a profile, asked of the kernel from inside a container.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { architectures, syscallNumbers } from "#libcontainer/seccomp/architectures.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "#spec/oci-runtime.ts";
import { buildProbe, putProbe } from "../attacks/probe.ts";
import {
  type ContainerMachine,
  skip as needsRoot,
  type Outcome,
  runScript,
  type SpecChoices,
  startContainerMachine,
} from "./container-machine.ts";

const skip = needsRoot || (process.arch !== "x64" && "the probe speaks x86");

let machine: ContainerMachine;
let probe: string;
before(async () => {
  if (skip !== false) return;
  machine = await startContainerMachine();
  probe = buildProbe(machine.folder);
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

function numberOf(name: string, arch = "SCMP_ARCH_X86_64"): number {
  const convention = architectures[arch];
  assert.ok(convention);
  const number = syscallNumbers(convention).get(name);
  assert.ok(number !== undefined, name);
  return number + convention.base;
}

const run = (seccomp: Seccomp, script: string, choices: SpecChoices = {}): Promise<Outcome> =>
  runScript(machine, script, {
    ...choices,
    root: machine.makeRoot(putProbe(probe)),
    linux: { seccomp, ...choices.linux },
  });

/** Everything happens but what the rules say. */
const allowBut = (...syscalls: readonly SeccompRule[]): Seccomp => ({
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls,
});
const getpgid = (action: string, changes: Partial<SeccompRule> = {}): Seccomp =>
  allowBut({ names: ["getpgid"], action, ...changes });
const ask = `probe call ${numberOf("getpgid")} 0`;
const SIGSYS = 128 + 31;

for (const [what, seccomp, stdout, exitCode] of [
  ["SCMP_ACT_ALLOW", getpgid("SCMP_ACT_ALLOW"), "1\n", 0],
  ["SCMP_ACT_LOG", getpgid("SCMP_ACT_LOG"), "1\n", 0],
  ["SCMP_ACT_ERRNO", getpgid("SCMP_ACT_ERRNO"), "EPERM\n", 1],
  ["SCMP_ACT_ERRNO with errnoRet", getpgid("SCMP_ACT_ERRNO", { errnoRet: 28 }), "ENOSPC\n", 1],
  ["SCMP_ACT_TRACE without a tracer", getpgid("SCMP_ACT_TRACE"), "ENOSYS\n", 1],
  ["SCMP_ACT_TRAP", getpgid("SCMP_ACT_TRAP"), "", SIGSYS],
  ["SCMP_ACT_KILL", getpgid("SCMP_ACT_KILL"), "", SIGSYS],
  ["SCMP_ACT_KILL_THREAD", getpgid("SCMP_ACT_KILL_THREAD"), "", SIGSYS],
  ["SCMP_ACT_KILL_PROCESS", getpgid("SCMP_ACT_KILL_PROCESS"), "", SIGSYS],
] as const)
  test(`${what} is obeyed`, { skip }, async () => {
    const found = await run(seccomp, `exec ${ask}`);
    assert.deepEqual([found.stdout, found.exitCode], [stdout, exitCode], found.stderr);
  });

test("a tracer is told the errnoRet of SCMP_ACT_TRACE", { skip }, async () => {
  const number = numberOf("getpgrp");
  const rule = { names: ["getpgrp"], action: "SCMP_ACT_TRACE", errnoRet: 77 };
  assert.equal((await run(allowBut(rule), `probe traced ${number}`)).stdout, "told 77\nexit 0\n");
});

test("SCMP_ACT_KILL ends a thread, SCMP_ACT_KILL_PROCESS all of them", { skip }, async () => {
  const script = `probe threads ${numberOf("getpgid")}`;
  assert.equal((await run(getpgid("SCMP_ACT_KILL"), script)).stdout, "alive\n");
  assert.equal((await run(getpgid("SCMP_ACT_KILL_PROCESS"), script)).stdout, "");
});

test("the default action and its errno are the answer for every call without a rule", { skip }, async () => {
  const seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 6,
    syscalls: [{ names: needed, action: "SCMP_ACT_ALLOW" }],
  };
  assert.equal((await run(seccomp, ask)).stdout, "ENXIO\n");
});

/** Calls of a static busybox and probe, and one of the newest. */
const needed: readonly string[] =
  "execve exit exit_group read write close open openat fstat newfstatat stat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn ioctl arch_prctl set_tid_address set_robust_list rseq prlimit64 readlink readlinkat getrandom getuid getgid geteuid getegid getpid getppid uname fork vfork clone wait4 dup2 fcntl writev access capset prctl statmount".split(
    " ",
  );

test("a call that is newer than the profile does not exist", { skip }, async () => {
  const seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: needed, action: "SCMP_ACT_ALLOW" }],
  };
  const newest = numberOf("statmount");
  const { stdout } = await run(seccomp, `probe call ${newest + 1}; probe call 3000; ${ask}`);
  assert.equal(stdout, "ENOSYS\nENOSYS\nEPERM\n");
});

const HIGH = 2 ** 40;
/** An argument, the value of the rule and the operators that hold. */
const operands = [
  [HIGH + 7, "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_LE"],
  [HIGH + 8, "SCMP_CMP_NE SCMP_CMP_GT SCMP_CMP_GE"],
  [HIGH + 6, "SCMP_CMP_NE SCMP_CMP_LT SCMP_CMP_LE"],
  [2 * HIGH, "SCMP_CMP_NE SCMP_CMP_GT SCMP_CMP_GE"],
  [HIGH / 2 + 0xffff_ffff, "SCMP_CMP_NE SCMP_CMP_LT SCMP_CMP_LE"],
] as const;

for (const op of ["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT"])
  test(`${op} compares 64 bits of an argument`, { skip }, async () => {
    const argument = { index: 2, value: HIGH + 7, op };
    const script = operands.map(([value]) => `probe call ${numberOf("getpgid")} 0 0 ${value}`).join("; ");
    const { stdout } = await run(getpgid("SCMP_ACT_ERRNO", { args: [argument] }), script);
    const expected = operands.map(([, holding]) => (holding.split(" ").includes(op) ? "EPERM" : "1"));
    assert.deepEqual(stdout.trim().split("\n"), expected);
  });

test("SCMP_CMP_MASKED_EQ compares what the mask leaves", { skip }, async () => {
  const argument = { index: 5, value: HIGH + 0xf0, valueTwo: HIGH + 0x20, op: "SCMP_CMP_MASKED_EQ" };
  const script = [HIGH + 0x2f, 0x2f, HIGH + 0x3f]
    .map((value) => `probe call ${numberOf("getpgid")} 0 0 0 0 0 ${value}`)
    .join("; ");
  const { stdout } = await run(getpgid("SCMP_ACT_ERRNO", { args: [argument] }), script);
  assert.equal(stdout, "EPERM\n1\n1\n");
});

test("the greatest value there is can be compared with", { skip }, async () => {
  const argument: SeccompArgument = { index: 1, value: 2n ** 64n - 2n, op: "SCMP_CMP_EQ" };
  const call = `probe call ${numberOf("getpgid")} 0`;
  const script = `${call} 0xfffffffffffffffe; ${call} 0xffffffffffffffff`;
  const { stdout } = await run(getpgid("SCMP_ACT_ERRNO", { args: [argument] }), script);
  assert.equal(stdout, "EPERM\n1\n");
});

test("each architecture has its own numbers, and one that is not named ends the caller", {
  skip,
}, async () => {
  const ia32 = numberOf("getpgid", "SCMP_ARCH_X86");
  const other = numberOf("getpgid");
  const script = `probe call32 ${ia32} 0; probe call32 ${numberOf("getpid", "SCMP_ARCH_X86")} > /dev/null && echo fine`;
  const seccomp = getpgid("SCMP_ACT_ERRNO");
  assert.equal((await run(seccomp, script)).stdout, "EPERM\nfine\n");
  assert.notEqual(ia32, other);
  const native = { ...seccomp, architectures: ["SCMP_ARCH_X86_64"] };
  assert.equal((await run(native, `exec probe call32 ${ia32} 0`)).exitCode, SIGSYS);
});

test("x32 is a way of its own: with its rules when it is named, else none", { skip }, async () => {
  const x32 = numberOf("getpgid", "SCMP_ARCH_X32");
  const seccomp = getpgid("SCMP_ACT_ERRNO");
  assert.equal((await run(seccomp, `probe call ${x32} 0`)).stdout, "EPERM\n");
  const native = { ...seccomp, architectures: ["SCMP_ARCH_X86_64"] };
  assert.equal((await run(native, `exec probe call ${x32} 0`)).exitCode, SIGSYS);
});

test("architectures of other machines change nothing", { skip }, async () => {
  const seccomp = {
    ...getpgid("SCMP_ACT_ERRNO"),
    architectures: [
      "AARCH64",
      "S390X",
      "RISCV64",
      "MIPSEL64N32",
      "LOONGARCH64",
      "PARISC",
      "M68K",
      "SHEB",
    ].map((name) => `SCMP_ARCH_${name}`),
  };
  assert.equal((await run(seccomp, ask)).stdout, "EPERM\n");
});

test("the flags are taken by the kernel", { skip }, async () => {
  const flags = ["TSYNC", "LOG", "SPEC_ALLOW"].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
  const { stdout } = await run({ ...getpgid("SCMP_ACT_ERRNO"), flags }, `${ask}; ${mitigation}`);
  assert.match(stdout, /^EPERM\n(?!.*force mitigated)/);
  const barriers = await run({ ...getpgid("SCMP_ACT_ERRNO"), flags: [] }, `${ask}; ${mitigation}`);
  assert.match(barriers.stdout, /^EPERM\n/);
});
const mitigation = "grep Speculation_Store_Bypass /proc/self/status";

for (const [noNewPrivileges, uid] of [
  [false, 0],
  [true, 0],
  [false, 1000],
  [true, 1000],
] as const)
  test(`the filter lets the setup be, no_new_privs ${noNewPrivileges}, user ${uid}`, { skip }, async () => {
    const setup = [
      "mount",
      "pivot_root",
      "setns",
      "unshare",
      "umount2",
      "move_mount",
      "open_tree",
      "openat2",
    ];
    const rule = { names: [...setup, "setgroups", "sethostname"], action: "SCMP_ACT_KILL" };
    const found = await run(allowBut(rule), "grep -E 'NoNewPrivs|^Seccomp:' /proc/self/status", {
      process: { noNewPrivileges, user: { uid, gid: 0 } },
    });
    assert.match(
      found.stdout,
      new RegExp(`NoNewPrivs:\\s*${noNewPrivileges ? 1 : 0}\\nSeccomp:\\s*2\\n`),
      found.stderr,
    );
  });

test("with no_new_privs the filter comes last: what gives up rights may be denied", { skip }, async () => {
  const rule = { names: ["capset"], action: "SCMP_ACT_KILL" };
  const { stdout } = await run(allowBut(rule), "echo lives", { process: { noNewPrivileges: true } });
  assert.equal(stdout, "lives\n");
});
