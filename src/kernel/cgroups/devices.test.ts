import assert from "node:assert/strict";
import { test } from "node:test";
import { buildDeviceProgram } from "./device-program.ts";
import {
  containerDevicePolicy,
  type DevicePolicy,
  deviceWrites,
  evaluateDeviceRules,
} from "./device-rules.ts";
import type { DeviceRule } from "./resources.ts";

const deny: DeviceRule = { allow: false, access: "rwm" };
const rule = (allow: boolean, text: string): DeviceRule => {
  const [type = "a", numbers = "", access = ""] = text.split(" ");
  const [major, minor] = numbers.split(":").map((part) => (part === "*" ? -1 : Number(part)));
  return {
    allow,
    type,
    access,
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
  };
};
const writes = (...rules: DeviceRule[]): readonly string[] =>
  deviceWrites(evaluateDeviceRules(rules)).map(({ file, value }) => `${file.slice(8)} ${value}`);

test("allowing after denying everything lists what is allowed", () => {
  assert.deepEqual(writes(deny, rule(true, "c 1:3 rw"), rule(true, "c 1:3 m"), rule(false, "b 8:0 rwm")), [
    "deny a",
    "allow c 1:3 rwm",
  ]);
});

test("a later rule takes back what an earlier one gave", () => {
  assert.deepEqual(writes(deny, rule(true, "c 1:3 rwm"), rule(false, "c 1:3 w")), [
    "deny a",
    "allow c 1:3 rm",
  ]);
  assert.deepEqual(writes(deny, rule(true, "c 1:3 r"), rule(true, "c 5:0 r"), rule(false, "c *:* rwm")), [
    "deny a",
  ]);
});

test("everything may be allowed but some", () => {
  assert.deepEqual(writes({ allow: true, access: "rwm" }, rule(false, "b *:* w")), [
    "allow a",
    "deny b *:* w",
  ]);
});

test("an exception from an exception cannot be said and is refused", () => {
  assert.throws(
    () => writes(deny, rule(true, "c *:* rwm"), rule(false, "c 1:1 r")),
    /contradicts the wider rule/,
  );
});

test("what no rule allows is denied", () => {
  assert.deepEqual(writes(rule(true, "c 10:200 rwm")), ["deny a", "allow c 10:200 rwm"]);
  const policy = containerDevicePolicy([]);
  assert.equal(policy.allow, false);
  assert.ok(
    policy.exceptions.some(({ major, minor, access }) => major === 1 && minor === 3 && access === "rwm"),
  );
});

test("a container that may use all but one device may not make that one", () => {
  const policy = containerDevicePolicy([{ allow: true, access: "rwm" }, rule(false, "c 10:201 rwm")]);
  assert.deepEqual(policy.exceptions, [{ type: "c", major: 10, minor: 201, access: "rwm" }]);
});

test("what every container may use cannot be denied", () => {
  const policy = containerDevicePolicy([{ allow: true, access: "rwm" }, rule(false, "c 1:3 rwm")]);
  assert.deepEqual(policy, { allow: true, exceptions: [] });
});

test("rules without access and of unknown types are refused in runc's words", () => {
  assert.throws(() => writes(deny, { allow: true, type: "c" }), {
    message: "device access at 1 field cannot be empty",
  });
  assert.throws(() => writes(rule(true, "p 1:3 rwm")), { message: 'invalid cgroup device type "p"' });
});

interface Access {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

interface Operands {
  readonly left: number;
  readonly right: number;
  readonly value: number;
  readonly word: number;
}
/** The few instructions that the program uses: a new value of the register, or whether to jump. */
const instructions: Readonly<Record<number, (operands: Operands) => number | boolean>> = {
  97: ({ word }) => word,
  180: ({ value }) => value,
  188: ({ right }) => right,
  84: ({ left, value }) => left & value,
  116: ({ left, value }) => left >>> value,
  21: ({ left, value }) => left === value,
  85: ({ left, value }) => left !== value,
};
const EXIT = 149;

function interpret(program: Uint8Array, { type, major, minor, access }: Access): number {
  const view = new DataView(program.buffer);
  const bits = [...access].reduce((sum, letter) => sum | ({ m: 1, r: 2, w: 4 }[letter] ?? 0), 0);
  const context = [(type === "b" ? 1 : 2) | (bits << 16), major, minor];
  const registers = new Array<number>(10).fill(0);
  for (let at = 0; at < program.length / 8; at++) {
    const code = view.getUint8(at * 8);
    if (code === EXIT) return registers[0] ?? 0;
    const byte = view.getUint8(at * 8 + 1);
    const offset = view.getInt16(at * 8 + 2, true);
    const value = view.getInt32(at * 8 + 4, true);
    const [left = 0, right = 0] = [registers[byte & 15], registers[byte >> 4]];
    const result = instructions[code]?.({ left, right, value, word: context[offset / 4] ?? 0 });
    assert.notEqual(result, undefined, `instruction ${code}`);
    if (typeof result === "number") registers[byte & 15] = result;
    else at += result === true ? offset : 0;
  }
  throw new Error("the program does not end");
}

const policies: readonly DevicePolicy[] = [
  evaluateDeviceRules([deny, rule(true, "c 1:3 rwm"), rule(true, "c 136:* rw"), rule(true, "b *:* m")]),
  evaluateDeviceRules([rule(true, "a"), rule(false, "c 10:229 w"), rule(false, "b 8:* rwm")]),
  evaluateDeviceRules([deny]),
];

/** What version 1 of the kernel does with the same lists. */
function expected({ allow, exceptions }: DevicePolicy, wish: Access): boolean {
  const matching = exceptions.filter(
    ({ type, major, minor }) =>
      type === wish.type && (major === -1 || major === wish.major) && (minor === -1 || minor === wish.minor),
  );
  if (allow)
    return !matching.some(({ access }) => [...wish.access].some((letter) => access.includes(letter)));
  return matching.some(({ access }) => [...wish.access].every((letter) => access.includes(letter)));
}

test("the program decides as version 1 decides with the same rules", () => {
  for (const policy of policies) {
    const program = buildDeviceProgram(policy);
    for (const type of ["c", "b"] as const)
      for (const [major, minor] of [
        [1, 3],
        [1, 4],
        [136, 0],
        [136, 7],
        [8, 0],
        [8, 1],
        [10, 229],
      ] as const)
        for (const access of ["r", "w", "m", "rw", "rwm"]) {
          const wish = { type, major, minor, access };
          assert.equal(interpret(program, wish) === 1, expected(policy, wish), JSON.stringify(wish));
        }
  }
});
