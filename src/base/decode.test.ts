import assert from "node:assert/strict";
import { test } from "node:test";
import { array, type Decoder, integer, object, record, string } from "./decode.ts";

const orEmpty: Decoder<string> = (value, path) => (value === undefined ? "" : string(value, path));
const decode = object({ name: string, note: orEmpty }, { size: integer, names: array(string) });

for (const [what, value, expected] of [
  ["a field that is not known is left out", { name: "a", note: "b", other: 1 }, { name: "a", note: "b" }],
  ["an optional null is left out", { name: "a", note: "b", size: null }, { name: "a", note: "b" }],
  ["a default is put in", { name: "a" }, { name: "a", note: "" }],
  ["fields are in the shape's order", { size: 1, note: "b", name: "a" }, { name: "a", note: "b", size: 1 }],
  [
    "what is changed within is taken",
    { name: "a", note: "", names: null, size: 2 },
    { name: "a", note: "", size: 2 },
  ],
] as const)
  test(`${what}, and the value that was read is as it was`, () => {
    const before = JSON.stringify(value);
    assert.equal(JSON.stringify(decode(value, "")), JSON.stringify(expected));
    assert.equal(JSON.stringify(value), before);
  });

test("what has nothing to change is not copied", () => {
  const value = { name: "a", note: "b", size: 1, names: ["c"] };
  assert.equal(decode(value, ""), value);
  const pairs = { a: "b" };
  assert.equal(record(string)(pairs, ""), pairs);
});

test("a list is copied from where it changes", () => {
  const upper: Decoder<string> = (value, path) => string(value, path).toUpperCase();
  assert.deepEqual(array(upper)(["A", "b", "C"], ""), ["A", "B", "C"]);
  assert.deepEqual(record(upper)({ x: "A", y: "b" }, ""), { x: "A", y: "B" });
  assert.deepEqual(array(upper)(null, ""), []);
});

test("a key named as the prototype is a key", () => {
  const value: unknown = JSON.parse('{"__proto__":"a"}');
  assert.equal(JSON.stringify(record(string)(value, "")), '{"__proto__":"a"}');
});

for (const [value, message] of [
  [[], "value: expected object, got array"],
  [{ name: 1 }, "name: expected string, got number"],
  [{ name: "a", note: "", names: ["b", 2] }, "names[1]: expected string, got number"],
] as const)
  test(`it is said where a value is wrong: ${message}`, () => {
    assert.throws(() => decode(value, ""), { message });
  });
