import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { marshal } from "./marshal.ts";
import { type DbusMessage, decodeMessage, encodeMessage } from "./message.ts";
import { type DbusValue, splitSignature } from "./signature.ts";
import { unmarshal } from "./unmarshal.ts";

// Made by other programs: a call by systemd's busctl, answers of dbus-daemon 1.14.
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/messages.json"), "utf8"));
const bytesOf = (name: string): Uint8Array => Buffer.from(String(recorded[name]), "base64");

const startUnit: DbusMessage = {
  type: "call",
  serial: 2,
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member: "StartTransientUnit",
  signature: "ssa(sv)a(sa(sv))",
  body: [
    "a-b.scope",
    "replace",
    [
      ["PIDs", { signature: "au", value: [77] }],
      ["Slice", { signature: "s", value: "a.slice" }],
      ["MemoryMax", { signature: "t", value: 1_099_511_627_776n }],
      ["Delegate", { signature: "b", value: true }],
      ["AllowedCPUs", { signature: "ay", value: Uint8Array.of(3, 128) }],
      ["DeviceAllow", { signature: "a(ss)", value: [["/dev/null", "rw"]] }],
    ],
    [],
  ],
};

function decodeAll(bytes: Uint8Array): readonly DbusMessage[] {
  const found = decodeMessage(bytes);
  return found === undefined ? [] : [found.message, ...decodeAll(bytes.subarray(found.size))];
}

/** What Buffer's slices of a test and plain arrays of a message have in common. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner) => {
      if (typeof inner === "bigint") return `${inner}n`;
      return inner?.type === "Buffer" ? inner.data : inner instanceof Uint8Array ? [...inner] : inner;
    }),
  );

test("a call is read as busctl has written it", () =>
  assert.deepEqual(plain(decodeAll(bytesOf("call"))), plain([startUnit])));

test("a call has the body that busctl gives it", () => {
  const [own, other] = [encodeMessage(startUnit), bytesOf("call")];
  const bodySize = marshal(startUnit.signature ?? "", startUnit.body).length;
  assert.equal(own.length, other.length);
  assert.deepEqual(Buffer.from(own.subarray(-bodySize)), Buffer.from(other.subarray(-bodySize)));
  assert.deepEqual(plain(decodeAll(own)), plain([startUnit]));
});

test("a daemon's answers are read one after the other: a name, a signal, a dictionary, an error", () => {
  const messages = decodeAll(bytesOf("answers"));
  assert.deepEqual(
    messages.map(({ type, replySerial, member, errorName }) => [type, replySerial ?? member, errorName]),
    [
      ["reply", 1, undefined],
      ["signal", "NameAcquired", undefined],
      ["reply", 2, undefined],
      ["error", 3, "org.freedesktop.DBus.Error.UnknownMethod"],
    ],
  );
  assert.deepEqual(messages[0]?.body, [":1.0"]);
  const [credentials] = messages[2]?.body ?? [];
  assert.deepEqual(Array.isArray(credentials) && credentials[1], [
    "UnixUserID",
    { signature: "u", value: 0 },
  ]);
});

test("a message is waited for to its last byte", () => {
  const whole = bytesOf("call");
  for (let size = 0; size < whole.length; size++)
    assert.equal(decodeMessage(whole.subarray(0, size)), undefined);
});

test("what is no message is refused", () => {
  assert.throws(() => decodeMessage(new Uint8Array(16)), /no D-Bus message/);
  const huge = Uint8Array.from(bytesOf("call"));
  huge.set([255, 255, 255, 255], 4);
  assert.throws(() => decodeMessage(huge), /too long/);
});

test("signatures are lists of types", () => {
  assert.deepEqual(splitSignature("sa{sv}(i(uu))aay"), ["s", "a{sv}", "(i(uu))", "aay"]);
  assert.throws(() => splitSignature("a(s"), /does not end/);
});

for (const [signature, values] of [
  ["ybnqiuxtd", [255, true, -2, 65_535, -3, 4_294_967_295, -5n, 2n ** 64n - 1n, 1.5]],
  ["sogv", ["ä", "/a", "a(sv)", { signature: "(yt)", value: [1, 2n] }]],
  ["yatayaad", [7, [1n, 2n], Uint8Array.of(1, 2, 3), [[1], []]]],
  ["a{sv}", [[["k", { signature: "as", value: ["a", "b"] }]]]],
] as const satisfies readonly (readonly [string, readonly DbusValue[]])[])
  test(`${signature} comes back as it was`, () => {
    const bytes = marshal(signature, values);
    const { values: read, end } = unmarshal(signature, { bytes, offset: 0, littleEndian: true });
    assert.deepEqual(plain(read), plain(values));
    assert.equal(end, bytes.length);
  });
