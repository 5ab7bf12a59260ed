import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUntil } from "./pruning.ts";

const second = 1_000_000_000n;

for (const text of ["1970-01-02T00:00:00Z", "86400", "86400.0"])
  test(`until ${text} is the second day`, () => {
    assert.equal(parseUntil(text, 0n), 86_400n * second);
  });

for (const [text, whole] of [
  ["2026-01-02", "2026-01-02T00:00:00"],
  ["2026-01-02T03", "2026-01-02T03:00:00"],
  ["2026-01-02T03:04:05.6", "2026-01-02T03:04:05"],
] as const)
  test(`until ${text} is of the daemon's zone`, () => {
    assert.equal(parseUntil(text, 0n) / second, BigInt(new Date(whole).getTime() / 1000));
  });

test("until an age is that long ago, and anything else is refused", () => {
  assert.equal(parseUntil("1h", 7200n * second), 3600n * second);
  for (const text of ["x", "2026-13-40", "2026-01-02 03:04"])
    assert.throws(() => parseUntil(text, 0n), { kind: "invalid" });
});
