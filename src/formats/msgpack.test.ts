// The expected bytes are those of Python's msgpack 1.2.3: msgpack.packb(value, use_bin_type=True).

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTextMap, encodeMsgpack } from "./msgpack.ts";

const long = "x".repeat(40);
for (const [value, hex] of [
  ["a", "a161"],
  [long, `d928${"78".repeat(40)}`],
  ["y".repeat(300), `da012c${"79".repeat(300)}`],
  [5, "05"],
  [-3, "fd"],
  [[1, "a"], "9201a161"],
  [new Map([["k", "v"]]), "81a16ba176"],
  [Array.from({ length: 16 }, () => 1), `dc0010${"01".repeat(16)}`],
  [{ extension: 0, data: Buffer.alloc(8, 7) }, "d7000707070707070707"],
  // As Go's msgp has it: signed, where Python writes ce6774f080.
  [1_735_716_992, "d26774f080"],
] as const)
  test(`msgpack of ${JSON.stringify(value).slice(0, 40)}`, () => {
    assert.equal(encodeMsgpack(value).toString("hex"), hex);
  });

test("an acknowledgement is read when it is whole, and what follows is left", () => {
  const bytes = Buffer.from("81a361636ba161ff", "hex");
  assert.equal(decodeTextMap(bytes.subarray(0, 6)), undefined);
  assert.deepEqual(decodeTextMap(bytes), { map: new Map([["ack", "a"]]), length: 7 });
  assert.throws(() => decodeTextMap(Buffer.from("c3", "hex")), /not a small msgpack map/);
});
