import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { Inflation } from "./inflation.ts";

const GIB = 1 << 30;
const path = tmpdir();

test("what grows beyond the ratio is refused, but only once it is large", () => {
  const limits = new Inflation({ ratio: 100, path });
  limits.check(1, GIB);
  limits.check(GIB, GIB * 100);
  assert.throws(
    () => limits.check(1 << 20, GIB + 1),
    /decompression bomb: 1048576 bytes have become 1073741825/,
  );
});

test("without a ratio anything may grow", () => {
  new Inflation({ ratio: 0, path }).check(1, GIB * 1000);
});

test("a disk without room is told of before it is full", () => {
  // procfs has no blocks at all: nothing is free, and nothing is reserved.
  new Inflation({ ratio: 0, path: "/proc" }).check(1, GIB);
  assert.throws(() => new Inflation({ ratio: 0, path: "/nosuch" }).check(1, GIB), /ENOENT/);
});
