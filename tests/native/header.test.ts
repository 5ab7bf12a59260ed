// The C side is generated from the same tables as the encoder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateEscapes } from "../../tools/gen-escapes.ts";
import { generateHeader, generateSource } from "../../tools/gen-ops.ts";
import { generateRequests, generateRequestsHeader } from "../../tools/gen-requests.ts";

const native = join(import.meta.dirname, "../../native");

for (const [name, tool, generate] of [
  ["ops.gen.h", "gen-ops", generateHeader],
  ["ops.gen.c", "gen-ops", generateSource],
  ["escapes.gen.h", "gen-escapes", generateEscapes],
  ["requests.gen.h", "gen-requests", generateRequestsHeader],
  ["requests.gen.c", "gen-requests", generateRequests],
] as const)
  test(`native/${name} is what tools/${tool}.ts writes`, () => {
    assert.equal(readFileSync(join(native, name), "utf8"), generate(), `run: node tools/${tool}.ts`);
  });

test("every message that PROTOCOL.md draws has its letter in ops.gen.h, and the other way round", async () => {
  const { frameTypes } = await import("#kernel/zygote/wire-frames.ts");
  const { requests } = await import("#shim/native/requests.table.ts");
  const letters = (text: string, pattern: RegExp): string[] =>
    [...new Set([...text.matchAll(pattern)].map(([, letter = ""]) => letter))].sort();
  const inC = letters(readFileSync(join(native, "ops.gen.h"), "utf8"), /= '(.)'/g);
  const inText = letters(readFileSync(join(native, "PROTOCOL.md"), "utf8"), /^\| `(.)`/gm);
  const all = Object.values(frameTypes);
  const asked = Object.values(requests).map(({ letter }) => letter);
  assert.deepEqual(inC, [...new Set<string>(all)].sort());
  assert.deepEqual(inText, [...new Set<string>([...all, ...asked])].sort());
});
