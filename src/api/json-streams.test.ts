import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedStream, frameJson } from "./json-streams.ts";

for (const [accept, named, ranged] of [
  [undefined, undefined, undefined],
  ["*/*", undefined, "application/jsonl"],
  ["text/plain, application/*;q=0.1", undefined, "application/jsonl"],
  ["application/json", undefined, undefined],
  ["Application/X-NDJSON", "application/x-ndjson", "application/x-ndjson"],
  ["application/json-seq, application/jsonl", "application/jsonl", "application/jsonl"],
  ["application/jsonl;q=0.5, application/json-seq;q=0.9", "application/json-seq", "application/json-seq"],
  ["application/jsonl;q=0, */*;q=0.1", undefined, "application/x-ndjson"],
] as const)
  test(`a client that accepts ${accept} names ${named}`, () => {
    assert.equal(acceptedStream(accept), named);
    assert.equal(acceptedStream(accept, { ranges: true }), ranged);
  });

test("a sequence marks where each text begins", () => {
  assert.equal(frameJson("{}", "application/json-seq"), "\u001e{}\n");
  assert.equal(frameJson("{}", "application/jsonl"), "{}\n");
});
