import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob } from "./glob.ts";

for (const [pattern, matching, other] of [
  ["b*", "busybox", "team/busybox"],
  ["*/b*", "team/busybox", "busybox"],
  ["a?c", "abc", "a/c"],
  ["[a-c]x", "bx", "dx"],
  ["[^a-c]x", "dx", "bx"],
  ["a.b", "a.b", "axb"],
  ["a\\*", "a*", "ab"],
  ["(x|y)+", "(x|y)+", "x"],
  ["busybox:1*", "busybox:1.36", "busybox:2"],
] as const) {
  test(`${pattern} matches ${matching} and not ${other}`, () => {
    assert.ok(compileGlob(pattern).test(matching));
    assert.ok(!compileGlob(pattern).test(other));
  });
}

for (const pattern of ["[", "[^", "[]", "a\\", "[z-a]"]) {
  test(`${pattern} is a syntax error`, () => {
    assert.throws(() => compileGlob(pattern), { kind: "invalid", message: "syntax error in pattern" });
  });
}
