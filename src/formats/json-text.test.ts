import assert from "node:assert/strict";
import { test } from "node:test";
import { compactJson, indentJson } from "./json-text.ts";

const text = '{"b":1.50,"2":[],"a" : {"x":[1,\n2]},"s":"{,\\"<:&","e":{ }}';

test("the order of keys, numbers and escapes stay when JSON is laid out", () => {
  assert.equal(
    indentJson(text, "\t"),
    '{\n\t"b": 1.50,\n\t"2": [],\n\t"a": {\n\t\t"x": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t},\n\t"s": "{,\\"<:&",\n\t"e": {}\n}',
  );
});

test("JSON on one line has Go's escapes for HTML", () => {
  assert.equal(compactJson(text), '{"b":1.50,"2":[],"a":{"x":[1,2]},"s":"{,\\"\\u003c:\\u0026","e":{}}');
});
