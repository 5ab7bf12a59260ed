import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, formatDigest, isDigest, parseDigest, shortId } from "./digest.ts";

const hex = "0123456789abcdef".repeat(4);

test("a sha256 digest splits into algorithm and hex digits", () => {
  assert.deepEqual(parseDigest(`sha256:${hex}`), { algorithm: "sha256", encoded: hex });
  assert.equal(formatDigest(parseDigest(`sha256:${hex}`)), `sha256:${hex}`);
});

for (const [text, message] of [
  ["", "invalid checksum digest format"],
  [hex, "invalid checksum digest format"],
  ["sha256:", "invalid checksum digest format"],
  ["sha256:../../../etc/passwd", "invalid checksum digest format"],
  [`sha256:${hex}0`, "invalid checksum digest length"],
  [`sha256:${hex.slice(1)}`, "invalid checksum digest length"],
  [`sha256:${hex.toUpperCase()}`, "invalid checksum digest format"],
  [`SHA256:${hex}`, "invalid checksum digest format"],
  [`md5:${hex.slice(32)}`, "unsupported digest algorithm"],
  [`constructor:${hex}`, "unsupported digest algorithm"],
  [`sha256:${hex}\n`, "invalid checksum digest format"],
] as const) {
  test(`${JSON.stringify(text).slice(0, 40)} is refused: ${message}`, () => {
    assert.throws(() => parseDigest(text), { kind: "invalid", message });
    assert.equal(isDigest(text), false);
  });
}

test("ids are shown by twelve digits", () => {
  assert.equal(shortId(digestOf("")), "e3b0c44298fc");
});
