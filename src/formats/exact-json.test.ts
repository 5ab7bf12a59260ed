import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactJson, stringifyExactJson } from "./exact-json.ts";

test("an integer beyond 2^53 survives a round trip", () => {
  const text = '{"timeNano":1795236683339883429,"small":3,"ratio":1.5,"list":[-9223372036854775808]}';
  assert.equal(stringifyExactJson(parseExactJson(text)), text);
});

test("small integers and fractions are plain numbers", () => {
  assert.deepEqual(parseExactJson("[1, 2.5, 1e3]"), [1, 2.5, 1000]);
});

test("a text that looks like a marked number stays a text", () => {
  assert.equal(stringifyExactJson(["\u000012\u0000"]), '["\\u000012\\u0000"]');
});
