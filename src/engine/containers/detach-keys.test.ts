import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";

async function scan(keys: string, chunks: readonly string[]) {
  let detached = false;
  const scanner = new DetachScanner(parseDetachKeys(keys), () => {
    detached = true;
  });
  for (const chunk of chunks) scanner.write(chunk);
  scanner.end();
  let passed = "";
  for await (const chunk of scanner) passed += String(chunk);
  return { detached, passed };
}

for (const [name, keys, chunks, expected] of [
  ["the default sequence detaches", "", ["ls\x10\x11"], { detached: true, passed: "ls" }],
  ["a sequence over two chunks detaches", "", ["a\x10", "\x11b"], { detached: true, passed: "a" }],
  ["a broken sequence is passed on", "", ["\x10a\x10", "b"], { detached: false, passed: "\x10a\x10b" }],
  [
    "a repeated first key still begins the sequence",
    "",
    ["\x10\x10\x11"],
    { detached: true, passed: "\x10" },
  ],
  ["keys of the user's own detach", "ctrl-a,x", ["\x01x"], { detached: true, passed: "" }],
] as const)
  test(name, async () => {
    assert.deepEqual(await scan(keys, chunks), expected);
  });

test("an unknown key is refused", () => {
  assert.throws(() => parseDetachKeys("ctrl-!"), { kind: "invalid" });
});
