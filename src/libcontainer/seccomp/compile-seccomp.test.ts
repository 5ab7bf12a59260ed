import assert from "node:assert/strict";
import { test } from "node:test";
import { runClassicProgram } from "#formats/bpf/interpreter.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "#spec/oci-runtime.ts";
import { builtinSeccompProfile } from "#spec/seccomp-profile.ts";
import { architectures, syscallNumbers, X32_BIT } from "./architectures.ts";
import { compileSeccomp } from "./compile-seccomp.ts";

const kernel = { major: 6, minor: 12 };
const host = { arch: "x64", kernel };
const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const KILL_THREAD = 0;

interface Call {
  readonly name?: string;
  readonly number?: number;
  readonly arch?: string;
  readonly args?: readonly bigint[];
}

/** What the filter answers to a call, given as the kernel gives it: struct seccomp_data. */
function ask(
  seccomp: Seccomp,
  { name = "", arch = "SCMP_ARCH_X86_64", args = [], ...call }: Call,
  on = host,
): number {
  const convention = architectures[arch];
  assert.ok(convention);
  const number = call.number ?? (syscallNumbers(convention).get(name) ?? Number.NaN) + convention.base;
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, convention.audit, true);
  for (const [index, value] of args.entries()) data.setBigUint64(16 + index * 8, value, true);
  const filter = compileSeccomp(seccomp, on);
  assert.ok(filter);
  return runClassicProgram(filter.program, new Uint8Array(data.buffer));
}

const builtin = (...capabilities: string[]): Seccomp =>
  builtinSeccompProfile({ capabilities, arch: "x64", kernel });
const deny = (...syscalls: readonly SeccompRule[]): Seccomp => ({
  defaultAction: "SCMP_ACT_ERRNO",
  syscalls,
});
const notify = (name: string): SeccompRule => ({ names: [name], action: "SCMP_ACT_NOTIFY" });
const allow = (names: readonly string[], ...args: readonly SeccompArgument[]): SeccompRule => ({
  names,
  action: "SCMP_ACT_ALLOW",
  args,
});

for (const [call, answer] of [
  [{ name: "read" }, ALLOW],
  [{ name: "uretprobe" }, ALLOW],
  [{ name: "ptrace" }, ALLOW],
  [{ name: "mount" }, EPERM],
  [{ name: "unshare" }, EPERM],
  [{ name: "io_uring_setup" }, EPERM],
  [{ name: "keyctl" }, EPERM],
  [{ name: "clone3" }, ENOSYS],
  [{ name: "clone", args: [0x11n] }, ALLOW],
  [{ name: "clone", args: [0x10000011n] }, EPERM],
  [{ name: "personality", args: [0x20008n] }, ALLOW],
  [{ name: "personality", args: [0x0040000n] }, EPERM],
  [{ name: "socket", args: [2n] }, ALLOW],
  [{ name: "socket", args: [38n] }, EPERM],
  [{ name: "socket", args: [39n] }, ALLOW],
  [{ name: "socket", args: [40n] }, EPERM],
  [{ name: "socket", args: [41n] }, ALLOW],
  [{ name: "socket", args: [2n ** 32n + 38n] }, EPERM],
  [{ name: "socket", args: [38n], arch: "SCMP_ARCH_X86" }, EPERM],
  [{ name: "mount", arch: "SCMP_ARCH_X86" }, EPERM],
  [{ name: "read", arch: "SCMP_ARCH_X86" }, ALLOW],
  [{ name: "read", arch: "SCMP_ARCH_X32" }, ALLOW],
  [{ name: "mount", arch: "SCMP_ARCH_X32" }, EPERM],
  [{ name: "clone", args: [0x10000011n], arch: "SCMP_ARCH_X32" }, EPERM],
  [{ name: "read", arch: "SCMP_ARCH_AARCH64" }, KILL_THREAD],
  [{ number: 2000 }, ENOSYS],
  [{ number: X32_BIT + 2000 }, ENOSYS],
] as const satisfies readonly (readonly [Call, number])[])
  test(`Docker's profile answers ${describe(call)} with 0x${answer.toString(16)}`, () => {
    assert.equal(ask(builtin("CAP_CHOWN"), call), answer);
  });

function describe({ name, number, arch = "", args = [] }: Call): string {
  return `${name ?? number}(${args.join()}) ${arch}`.trim();
}

test("CAP_SYS_ADMIN frees mounts, namespaces and clone3", () => {
  const profile = builtin("CAP_SYS_ADMIN");
  for (const name of ["mount", "unshare", "clone3", "setns"]) assert.equal(ask(profile, { name }), ALLOW);
  assert.equal(ask(profile, { name: "clone", args: [0x10000011n] }), ALLOW);
});

const big = 2 ** 40 + 7;
const above = BigInt(big) + 1n;
const below = BigInt(big) - 1n;
/** Greater and smaller in the upper half alone, with the lower half the other way round. */
const highAbove = 2n ** 41n;
const highBelow = 2n ** 39n + 0xffffffffn;
const comparisons: Readonly<Record<string, readonly bigint[]>> = {
  SCMP_CMP_EQ: [BigInt(big)],
  SCMP_CMP_NE: [above, below, highAbove, highBelow],
  SCMP_CMP_GT: [above, highAbove],
  SCMP_CMP_GE: [above, highAbove, BigInt(big)],
  SCMP_CMP_LT: [below, highBelow],
  SCMP_CMP_LE: [below, highBelow, BigInt(big)],
};
for (const [op, holding] of Object.entries(comparisons))
  test(`${op} compares 64 bits`, () => {
    const profile = deny(allow(["read"], { index: 1, value: big, op }));
    for (const value of [BigInt(big), above, below, highAbove, highBelow])
      assert.equal(
        ask(profile, { name: "read", args: [0n, value] }),
        holding.includes(value) ? ALLOW : EPERM,
      );
  });

test("SCMP_CMP_MASKED_EQ looks at the mask's bits in both halves", () => {
  const mask = { index: 0, value: 2 ** 36 + 0xf0, valueTwo: 2 ** 36 + 0x20, op: "SCMP_CMP_MASKED_EQ" };
  const profile = deny(allow(["read"], mask));
  assert.equal(ask(profile, { name: "read", args: [2n ** 36n + 0x2fn] }), ALLOW);
  assert.equal(ask(profile, { name: "read", args: [0x2fn] }), EPERM);
  assert.equal(ask(profile, { name: "read", args: [2n ** 36n + 0x3fn] }), EPERM);
});

test("all conditions of a rule must hold, those on one argument need only hold once", () => {
  const equal = (index: number, value: number): SeccompArgument => ({ index, value, op: "SCMP_CMP_EQ" });
  const both = deny(allow(["read"], equal(0, 1), equal(1, 2)));
  assert.equal(ask(both, { name: "read", args: [1n, 2n] }), ALLOW);
  assert.equal(ask(both, { name: "read", args: [1n, 3n] }), EPERM);
  const either = deny(allow(["read"], equal(0, 1), equal(0, 2)));
  assert.equal(ask(either, { name: "read", args: [2n] }), ALLOW);
  assert.equal(ask(either, { name: "read", args: [3n] }), EPERM);
});

test("a denial that equals the default action is not lost to a rule that allows", () => {
  const profile = deny(allow(["socketcall"]), { names: ["socketcall"], action: "SCMP_ACT_ERRNO" });
  assert.equal(ask(profile, { name: "socketcall", arch: "SCMP_ARCH_X86" }), KILL_THREAD);
  const with32 = { ...profile, architectures: ["SCMP_ARCH_X86"] };
  assert.equal(ask(with32, { name: "socketcall", arch: "SCMP_ARCH_X86" }), EPERM);
});

test("a denial for one argument wins over a rule that allows the whole call", () => {
  const denial = {
    names: ["socket"],
    action: "SCMP_ACT_ERRNO",
    args: [{ index: 0, value: 38, op: "SCMP_CMP_EQ" }],
  };
  const profile = deny(allow(["socket"]), denial);
  assert.equal(ask(profile, { name: "socket", args: [38n] }), EPERM);
  assert.equal(ask(profile, { name: "socket", args: [2n] }), ALLOW);
});

for (const [action, answer] of [
  ["SCMP_ACT_KILL", 0],
  ["SCMP_ACT_KILL_THREAD", 0],
  ["SCMP_ACT_KILL_PROCESS", 0x80000000],
  ["SCMP_ACT_TRAP", 0x00030000],
  ["SCMP_ACT_ERRNO", 0x00050001],
  ["SCMP_ACT_TRACE", 0x7ff00001],
  ["SCMP_ACT_LOG", 0x7ffc0000],
] as const)
  test(`${action} is answered`, () => {
    const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["read"], action }] };
    assert.equal(ask(profile, { name: "read" }), answer);
    assert.equal(ask(profile, { number: 2000 }), ALLOW);
  });

test("x32 does not lead round a profile for x86-64 that allows by default", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mount"], action: "SCMP_ACT_ERRNO" }],
  };
  assert.equal(ask(profile, { number: X32_BIT + 165 }), KILL_THREAD);
});

test("a number below the newest that the profile names gets the default action", () => {
  const profile = { ...deny(allow(["read", "openat2", "no_such_call"])), defaultErrnoRet: 5 };
  assert.equal(ask(profile, { name: "mount" }), 0x00050005);
  assert.equal(ask(profile, { name: "openat2" }), ALLOW);
  assert.equal(ask(profile, { name: "faccessat2" }), ENOSYS);
});

test("on ARM, 32-bit programs have their own numbers", () => {
  const arm = { arch: "arm64", kernel };
  const profile = builtinSeccompProfile({ capabilities: [], ...arm });
  for (const arch of ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]) {
    assert.equal(ask(profile, { name: "write", arch }, arm), ALLOW);
    assert.equal(ask(profile, { name: "mount", arch }, arm), EPERM);
  }
  assert.equal(ask(profile, { name: "set_tls", arch: "SCMP_ARCH_ARM" }, arm), ALLOW);
  assert.equal(ask(profile, { name: "read" }, arm), KILL_THREAD);
});

for (const [what, seccomp, message] of [
  [
    "SCMP_ACT_NOTIFY as the default",
    { defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/s" },
    /SCMP_ACT_NOTIFY cannot be used as default action$/,
  ],
  [
    "SCMP_ACT_NOTIFY of what tells that there is a listener",
    { ...deny(notify("write")), listenerPath: "/s" },
    /SCMP_ACT_NOTIFY cannot be used for the write syscall$/,
  ],
  ["SCMP_ACT_NOTIFY without an agent", deny(notify("read")), /seccomp listenerPath is not set$/],
  ["words for no agent", { ...deny(), listenerMetadata: "x" }, /listenerPath is not/],
  [
    "a listener's flag without one",
    { ...deny(), flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] },
    /WAIT_KILLABLE_RECV is for SCMP_ACT_NOTIFY only/,
  ],
  ["an unknown action", { defaultAction: "SCMP_ACT_MAYBE" }, /SCMP_ACT_MAYBE is not a valid action/],
  [
    "an unknown operator",
    deny(allow(["read"], { index: 0, value: 0, op: "LIKE" })),
    /LIKE is not a valid operator/,
  ],
  [
    "a seventh argument",
    deny(allow(["read"], { index: 6, value: 0, op: "SCMP_CMP_EQ" })),
    /syscalls only have up to 6 arguments \(6 given\)/,
  ],
  ["an unknown flag", { ...deny(), flags: ["FAST"] }, /seccomp flag FAST is not known to runc/],
  [
    "an unknown architecture",
    { ...deny(), architectures: ["SCMP_ARCH_VAX"] },
    /SCMP_ARCH_VAX is not a valid arch/,
  ],
] as const)
  test(`${what} is refused by name`, () => {
    assert.throws(() => compileSeccomp(seccomp, host), message);
  });

test("without a list of flags no speculation barrier is asked for, with an empty one it is", () => {
  assert.equal(compileSeccomp(deny(), host)?.flags, 4);
  assert.equal(compileSeccomp({ ...deny(), flags: [] }, host)?.flags, 0);
  assert.equal(compileSeccomp({ ...deny(), flags: ["SECCOMP_FILTER_FLAG_LOG"] }, host)?.flags, 2);
});

test("a listener is asked for, without TSYNC, which the kernel does not take beside it", () => {
  const seccomp = { ...deny(notify("read")), listenerPath: "/s", flags: ["SECCOMP_FILTER_FLAG_TSYNC"] };
  assert.equal(compileSeccomp(seccomp, host)?.flags, 8);
  const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  assert.equal(compileSeccomp({ ...seccomp, flags }, host)?.flags, 8 + 32);
  assert.equal(ask(seccomp, { name: "read" }), 0x7fc00000);
  assert.throws(
    () => compileSeccomp({ ...seccomp, flags }, { ...host, kernel: { major: 5, minor: 18 } }),
    /kernel/,
  );
});

test("a profile is compiled once", () => {
  assert.equal(compileSeccomp(builtin(), host), compileSeccomp(builtin(), host));
});

test("no profile, no filter", () => {
  assert.equal(compileSeccomp(undefined, host), undefined);
});
