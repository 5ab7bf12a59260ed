import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { chainIds } from "./unpack-chain.ts";

test("the chain id of a layer stands for all layers up to it", () => {
  const [a, b, c] = ["a", "b", "c"].map(digestOf);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const second = digestOf(`${a} ${b}`);
  assert.deepEqual(chainIds([a, b, c]), [a, second, digestOf(`${second} ${c}`)]);
  assert.deepEqual(chainIds([]), []);
});
