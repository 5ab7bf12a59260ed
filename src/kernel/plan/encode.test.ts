import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeOp, encodePlan } from "./encode.ts";
import type { Op, OpBody } from "./ops.ts";
import { planVersion } from "./wire-version.ts";

type Marks = Pick<Op, "host" | "mayFail">;
const hex = (body: OpBody, marks: Marks = {}): string =>
  Buffer.from(encodeOp({ ...body, why: "", ...marks })).toString("hex");

/** u16 code, u16 marks, u32 size of the fields, in hexadecimal; then the fields. */
const fieldsOf = (body: OpBody): string => hex(body).slice(16);

const rows: readonly (readonly [string, OpBody, string])[] = [
  ["numbers are little endian", { op: "unshare", flags: 0x20000 }, "00000200"],
  ["an absent slot is all ones", { op: "clone", flags: 1 }, "0100000000000000ffffffff"],
  ["a slot is its number", { op: "clone", flags: 1, intoCgroupSlot: 4 }, "010000000000000004000000"],
  ["text has its length and a NUL", { op: "sethostname", name: "é" }, "02000000c3a900"],
  ["an absent text is all ones", { op: "setns", slot: 1, flags: 0 }, "ffffffff0100000000000000"],
  ["absent facts and numbers are 0", { op: "umount", target: "", flags: 0 }, "00000000000000000000000000"],
  ["a fact is 1", { op: "umount", target: "", flags: 0, missingOk: true }, "00000000000000000001000000"],
  ["bytes have their length", { op: "fileData", data: Uint8Array.of(1, 2) }, "020000000102"],
  ["lists have their count", { op: "setgroups", gids: [1, 2] }, "020000000100000002000000"],
  ["64 bits stay whole", { op: "capAmbient", mask: 0x1_0000_0002n }, "0200000001000000"],
  [
    "times before 1970 are two's complement",
    { op: "setTimes", root: 0, path: "", mtime: { sec: -1, nsec: 3 } },
    "000000000000000000ffffffffffffffff03000000",
  ],
];
for (const [name, body, wanted] of rows) test(name, () => assert.equal(fieldsOf(body), wanted));

test("marks say who runs the operation and whether it may fail", () => {
  const body: OpBody = { op: "setsid" };
  assert.equal(hex(body).slice(4), "000000000000");
  assert.equal(hex(body, { host: true }).slice(4), "010000000000");
  assert.equal(hex(body, { mayFail: true }).slice(4), "020000000000");
});

test("a plan begins with the version of its operations and their number", () => {
  const plan = Buffer.from(
    encodePlan([
      { op: "setsid", why: "a" },
      { op: "setsid", why: "b" },
    ]),
  );
  assert.equal(plan.readUInt32LE(0), planVersion);
  assert.equal(plan.readUInt32LE(4), 2);
  assert.equal(plan.length, 8 + 2 * 8);
});

test("a text that the kernel would cut is refused", () => {
  assert.throws(() => hex({ op: "sethostname", name: "a\0b" }), TypeError);
});
