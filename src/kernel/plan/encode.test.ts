import assert from "node:assert/strict";
import { test } from "node:test";
import { encodePlan } from "./encode.ts";
import type { Op, OpBody } from "./ops.ts";
import { calls, constants } from "./steps/steps.table.ts";
import { planVersion } from "./wire-version.ts";

type Marks = Pick<Op, "host" | "mayFail">;
/** Behind the version and the number of operations. */
const HEAD = 8;
const encoded = (body: OpBody, marks: Marks = {}): Buffer =>
  Buffer.from(encodePlan([{ ...body, why: "", ...marks }])).subarray(HEAD);
const marksOf = (body: OpBody, marks: Marks = {}): number => encoded(body, marks).readUInt32LE(0);

interface Parts {
  readonly data: Buffer;
  readonly pointers: Buffer;
  readonly code: Buffer;
}

/** The parts of one operation. */
function partsOf(bytes: Buffer): Parts {
  let at = 4;
  const take = (): Buffer => {
    const size = bytes.readUInt32LE(at);
    at += 4 + size;
    return bytes.subarray(at - size, at);
  };
  const parts = { data: take(), pointers: take(), code: take() };
  assert.equal(at, bytes.length);
  return parts;
}

const number = (name: (typeof calls)[number]): string => Buffer.of(calls.indexOf(name), 0).toString("hex");
const hexOf = (body: OpBody): string => partsOf(encoded(body)).code.toString("hex");

test("a step is its number, flags and register, the kinds of its arguments, and these", () => {
  assert.equal(hexOf({ op: "unshare", flags: 0x20000 }), `${number("unshare")}000e0100000000000200`);
});

test("text lies in the data, with a NUL, and an argument says where", () => {
  const { data, code } = partsOf(encoded({ op: "sethostname", name: "é" }));
  assert.equal(data.toString("hex"), "c3a900");
  assert.equal(code.toString("hex"), `${number("sethostname")}000e020200000000000002000000`);
});

test("a slot is the number of its fd", () => {
  assert.match(hexOf({ op: "close", slot: 1 }), /41000000$/);
});

test("64 bits stay whole", () => {
  const { data } = partsOf(encoded({ op: "rlimit", resource: 7, soft: 0x1_0000_0002n, hard: 3n }));
  assert.equal(data.subarray(0, 16).toString("hex"), "02000000010000000300000000000000");
});

test("pointers in the data are offsets, and where they lie is told", () => {
  const body: OpBody = { op: "exec", candidates: ["/a"], argv: ["x", "y"], env: [] };
  const { data, pointers } = partsOf(encoded(body));
  const places = [0, 4].map((at) => pointers.readUInt32LE(at));
  assert.equal(pointers.length, 8);
  assert.deepEqual(
    places.map((place) => data.toString("latin1", data.readUInt32LE(place), data.readUInt32LE(place) + 1)),
    ["x", "y"],
  );
});

test("times before 1970 are two's complement", () => {
  const attributes = { mode: 0, uid: 0, gid: 0, mtime: { sec: -1, nsec: 3 }, xattrs: [] };
  const { data } = partsOf(encoded({ op: "makeDir", path: "a", attributes }));
  assert.ok(data.includes(Buffer.from("ffffffffffffffff0300000000000000", "hex")));
});

test("a jump back is a negative number of bytes", () => {
  const { code } = partsOf(encoded({ op: "bpfDevice", path: "/a", program: new Uint8Array(8) }));
  assert.ok(code.readInt32LE(code.length - 4) < 0);
});

test("marks say who runs the operation, whether it may fail, and what it is for the process", () => {
  const { MARK_HOST, MARK_MAY_FAIL, MARK_MISSING_OK } = constants;
  const { MARK_CLONES, MARK_CLONES_SIMPLY, MARK_AWAITS_START } = constants;
  assert.equal(marksOf({ op: "setsid" }), 0);
  assert.equal(marksOf({ op: "setsid" }, { host: true }), MARK_HOST);
  assert.equal(marksOf({ op: "setsid" }, { mayFail: true }), MARK_MAY_FAIL);
  assert.equal(marksOf({ op: "rmdir", path: "a", missingOk: true }), MARK_MISSING_OK);
  assert.equal(marksOf({ op: "clone", flags: 1 }), MARK_CLONES | MARK_CLONES_SIMPLY);
  assert.equal(marksOf({ op: "clone", flags: 1, intoCgroupSlot: 4 }), MARK_CLONES);
  assert.equal(marksOf({ op: "awaitStart" }), MARK_AWAITS_START);
});

test("$PID is the child's in host operations only", () => {
  const write: OpBody = { op: "write", path: "/proc/$PID/x", flags: 1, data: Buffer.from("1") };
  const whole = Buffer.from("/proc/$PID/x\0");
  assert.ok(encoded(write).includes(whole));
  assert.equal(encoded(write, { host: true }).includes(whole), false);
});

test("a plan begins with the version of its steps and the number of its operations", () => {
  const ops: readonly Op[] = [
    { op: "setsid", why: "a" },
    { op: "setsid", why: "b" },
  ];
  const plan = Buffer.from(encodePlan(ops));
  assert.equal(plan.readUInt32LE(0), planVersion);
  assert.equal(plan.readUInt32LE(4), 2);
  assert.deepEqual(
    plan.subarray(HEAD),
    Buffer.concat([encoded({ op: "setsid" }), encoded({ op: "setsid" })]),
  );
});

test("a text that the kernel would cut is refused", () => {
  assert.throws(() => encoded({ op: "sethostname", name: "a\0b" }), TypeError);
});

test("what operations do by a routine differs in their own part only", () => {
  const [one, other] = ["/a/one", "/a/two"].map((path) => hexOf({ op: "removeTree", path }));
  assert.equal(one, other);
  const [whole, content] = [false, true].map((contentOnly) =>
    hexOf({ op: "copyTree", from: 0, to: 1, contentOnly }),
  );
  assert.notEqual(whole, content);
  assert.ok(content?.endsWith(whole?.slice(-4000) ?? "none"));
});

test("the longest programs have registers enough", () => {
  const relay = { path: "@here", to: "@manager", pid: 7, main: 7 };
  assert.ok(encoded({ op: "relayReadiness", ...relay }).length > 0);
  const message = new Uint8Array(16);
  assert.ok(encoded({ op: "netlink", protocol: 0, messages: [message, message] }).length > 0);
  assert.ok(encoded({ op: "removeTree", path: "a/b", root: 0, missingOk: true }).length > 0);
});

test("an operation that was encoded before is the same again, and one that differs in a mark or a field is not", () => {
  const body: OpBody = { op: "mkdir", path: "/a", mode: 0o755 };
  const first = encoded(body).toString("hex");
  assert.equal(encoded(body).toString("hex"), first);
  assert.notEqual(encoded(body, { mayFail: true }).toString("hex"), first);
  assert.notEqual(encoded({ ...body, mode: 0o700 }).toString("hex"), first);
  const [twice, once] = [
    encodePlan([
      { ...body, why: "" },
      { ...body, why: "" },
    ]),
    encodePlan([{ ...body, why: "" }]),
  ];
  assert.equal(twice.length - HEAD, 2 * (once.length - HEAD));
});
