// The C side is generated from the same tables as the encoder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateHeader, generateSource } from "../../tools/gen-ops.ts";

const native = join(import.meta.dirname, "../../native");

for (const [name, generate] of [
  ["ops.gen.h", generateHeader],
  ["ops.gen.c", generateSource],
] as const)
  test(`native/${name} is what tools/gen-ops.ts writes`, () => {
    assert.equal(readFileSync(join(native, name), "utf8"), generate(), "run: node tools/gen-ops.ts");
  });

test("every message that PROTOCOL.md draws has its letter in ops.gen.h, and the other way round", async () => {
  const { frameTypes } = await import("#kernel/zygote/wire-frames.ts");
  const { fromClient, toClient } = await import("#runc/resident/frames.ts");
  const letters = (text: string, pattern: RegExp): string[] =>
    [...new Set([...text.matchAll(pattern)].map(([, letter = ""]) => letter))].sort();
  const inC = letters(readFileSync(join(native, "ops.gen.h"), "utf8"), /= '(.)'/g);
  const inText = letters(readFileSync(join(native, "PROTOCOL.md"), "utf8"), /^\| `(.)`/gm);
  const all = [frameTypes, fromClient, toClient].flatMap((types) => Object.values(types));
  assert.deepEqual(inC, [...new Set(all)].sort());
  assert.deepEqual(inText, inC);
});
