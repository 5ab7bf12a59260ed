import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRuntimes } from "./daemon-runtimes.ts";

test("a runtime is a path and arguments", () => {
  assert.deepEqual(decodeRuntimes({ crun: { path: "/usr/bin/crun", runtimeArgs: ["--debug"] } }), {
    crun: { path: "/usr/bin/crun", runtimeArgs: ["--debug"] },
  });
});

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ["a name that is taken", { runc: { path: "/x" } }, /runtime name 'runc' is reserved/],
  ["no path", { x: {} }, /runtime 'x' has no path/],
  [
    "a shim of containerd",
    { x: { runtimeType: "io.containerd.kata.v2" } },
    /runtimeType of runtime x is not supported/,
  ],
  ["a path alone", { x: "/usr/bin/x" }, /runtimes.x: expected object/],
];
for (const [what, value, message] of refused)
  test(`refused: ${what}`, () => {
    assert.throws(() => decodeRuntimes(value), message);
  });
