import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilters } from "./filters.ts";

const filters = (value: unknown) => parseFilters(JSON.stringify(value));

test("both spellings of the values are read", () => {
  assert.deepEqual(filters({ label: { a: true, "b=c": true } }).values("label"), ["a", "b=c"]);
  assert.deepEqual(filters({ label: ["a", "b=c"] }).values("label"), ["a", "b=c"]);
});

test("a key without values is no filter", () => {
  assert.equal(filters({ label: {} }).empty, true);
  assert.equal(parseFilters(null).empty, true);
});

for (const text of ["[]", "{", '{"a":1}', '{"a":[1]}', '{"a":{"b":"c"}}']) {
  test(`${text} is refused`, () => {
    assert.throws(() => parseFilters(text), { kind: "invalid", message: "invalid filter" });
  });
}

test("an unknown key is refused by name", () => {
  assert.throws(() => filters({ colour: ["red"] }).validate(["label"]), {
    message: "invalid filter 'colour'",
  });
});

test("a flag reads Docker's booleans and refuses anything else", () => {
  assert.equal(filters({ dangling: ["1"] }).flag("dangling", false), true);
  assert.equal(filters({}).flag("dangling", true), true);
  for (const given of [["maybe"], ["true", "false"]])
    assert.throws(() => filters({ dangling: given }).flag("dangling", false), {
      message: `invalid filter 'dangling=[${given.join(" ")}]'`,
    });
});

test("labels match by name or by name and value, all of them", () => {
  const labels = { a: "1", b: "" };
  assert.equal(filters({ label: ["a=1", "b"] }).matchPairs("label", labels), true);
  assert.equal(filters({ label: ["a=1", "c"] }).matchPairs("label", labels), false);
  assert.equal(filters({ label: ["a=2"] }).matchPairs("label", labels), false);
  assert.equal(filters({}).matchPairs("label", undefined), true);
});

test("other matches take any of the values", () => {
  const given = filters({ name: ["web", "^db$"], id: ["ab"], type: ["image"] });
  assert.equal(given.matchPattern("name", "my-web-1"), true);
  assert.equal(given.matchPattern("name", "dbx"), false);
  assert.equal(given.matchPrefix("id", "abcd"), true);
  assert.equal(given.matchExact("type", "container"), false);
  assert.equal(given.matchExact("other", "x"), true);
});
