import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoJson } from "./go-json.ts";

// The messages were printed by Go's json.Decoder for the same texts.
for (const [text, message] of [
  ["{", "unexpected EOF"],
  ["x", "invalid character 'x' looking for beginning of value"],
  ["{x", "invalid character 'x' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
  ["[1 2]", "invalid character '2' after array element"],
  ["[tru]", "invalid character ']' in literal true (expecting 'e')"],
  ['"\n"', "invalid character '\\n' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ["[1.x]", "invalid character 'x' after decimal point in numeric literal"],
] as const) {
  test(`${JSON.stringify(text)} is refused as Go refuses it`, () => {
    assert.deepEqual(parseGoJson(text), { kind: "error", message });
  });
}

test("white space alone is empty, a second value is trailing content", () => {
  assert.equal(parseGoJson(" \n").kind, "empty");
  assert.equal(parseGoJson("{} {}").kind, "trailing");
  assert.deepEqual(parseGoJson('{"a":[1,"b"]}'), { kind: "value", value: { a: [1, "b"] } });
});

test("what is nested deeper than Go reads is refused, whether it ends or not; brackets in strings do not count", () => {
  const deep = { kind: "error", message: "exceeded max depth" };
  assert.deepEqual(parseGoJson("[".repeat(2_000_000)), deep);
  assert.deepEqual(parseGoJson(`${'{"a":'.repeat(10_001)}1${"}".repeat(10_001)}`), deep);
  assert.equal(parseGoJson("[".repeat(10_000) + "]".repeat(10_000)).kind, "value");
  assert.equal(parseGoJson(`"${'[{\\"'.repeat(20_000)}"`).kind, "value");
});
