import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinSeccompProfile, parseSeccompProfile } from "./seccomp-profile.ts";

const target = { capabilities: ["CAP_SYS_TIME"], arch: "x64", kernel: { major: 4, minor: 19 } };
const parse = (profile: unknown) => parseSeccompProfile(JSON.stringify(profile), target);
const group = (rest: object) => ({ names: ["read"], action: "SCMP_ACT_ALLOW", ...rest });
const isKept = (rest: object): boolean =>
  parse({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [group(rest)] }).syscalls?.length === 1;

for (const [kept, rest] of [
  [true, {}],
  [true, { includes: { caps: ["CAP_SYS_TIME"] } }],
  [false, { includes: { caps: ["CAP_SYS_TIME", "CAP_SYS_ADMIN"] } }],
  [false, { excludes: { caps: ["CAP_SYS_TIME"] } }],
  [true, { excludes: { caps: ["CAP_SYS_ADMIN"] } }],
  [true, { includes: { arches: ["amd64", "x32"] } }],
  [false, { includes: { arches: ["arm64"] } }],
  [false, { excludes: { arches: ["amd64"] } }],
  [true, { includes: { minKernel: "4.8" } }],
  [false, { includes: { minKernel: "5.0" } }],
] as const)
  test(`a group with ${JSON.stringify(rest)} is ${kept ? "kept" : "left out"}`, () => {
    assert.equal(isKept(rest), kept);
  });

test("the machine's row of archMap becomes the architectures", () => {
  const archMap = [
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
  ];
  assert.deepEqual(parse({ defaultAction: "SCMP_ACT_ERRNO", archMap }).architectures, [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
  ]);
});

test("the OCI form is taken as it is", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 2,
    architectures: ["SCMP_ARCH_X86_64"],
    flags: [],
    syscalls: [
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 1, valueTwo: 0, op: "SCMP_CMP_EQ" }],
      },
    ],
  };
  assert.deepEqual(parse(profile), profile);
});

test("the old spelling with one name is read", () => {
  const { syscalls } = parse({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ name: "read", action: "SCMP_ACT_ALLOW" }],
  });
  assert.deepEqual(syscalls?.[0]?.names, ["read"]);
});

test("the agent of a profile is kept", () => {
  const agent = { listenerPath: "/run/agent.sock", listenerMetadata: "words" };
  const { listenerPath, listenerMetadata } = parse({
    defaultAction: "SCMP_ACT_ALLOW",
    ...agent,
    syscalls: [group({})],
  });
  assert.deepEqual({ listenerPath, listenerMetadata }, agent);
});

test("an empty profile confines nothing", () => {
  assert.deepEqual(parse({}), { defaultAction: "SCMP_ACT_ALLOW" });
});

for (const [text, message] of [
  [
    "{x}",
    "Decoding seccomp profile failed: invalid character 'x' looking for beginning of object key string",
  ],
  ["", "Decoding seccomp profile failed: unexpected end of JSON input"],
  [
    '{"defaultAction":"A","architectures":["a"],"archMap":[{"architecture":"b"}]}',
    "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
  ],
] as const)
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseSeccompProfile(text, target), { message });
  });

test("a number that JavaScript cannot hold is refused, 2^64 - 1 is kept", () => {
  const withValue = (value: string): string =>
    `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":${value}}]}]}`;
  assert.throws(() => parseSeccompProfile(withValue("9007199254740993"), target), /below 2\^53/);
  const { syscalls } = parseSeccompProfile(withValue("18446744073709551615"), target);
  assert.equal(syscalls?.[0]?.args?.[0]?.value, 2 ** 64);
});

test("Docker's profile depends on capabilities", () => {
  const names = (capabilities: readonly string[]): readonly string[] =>
    builtinSeccompProfile({ ...target, capabilities }).syscalls?.flatMap((rule) => rule.names) ?? [];
  assert.ok(!names([]).includes("mount"));
  assert.ok(names(["CAP_SYS_ADMIN"]).includes("mount"));
});
