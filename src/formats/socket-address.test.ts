import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSocketAddress, formatSocketAddress } from "./socket-address.ts";

test("socket addresses are laid out as the kernel reads them", () => {
  const ipv4 = encodeSocketAddress("127.0.0.11", 53);
  assert.equal(Buffer.from(ipv4).toString("hex"), "020000357f00000b0000000000000000");
  const ipv6 = encodeSocketAddress("fd00::1", 53);
  assert.equal(Buffer.from(ipv6).toString("hex"), "0a00003500000000fd00000000000000000000000000000100000000");
  assert.equal(formatSocketAddress(ipv4), "127.0.0.11:53");
  assert.equal(formatSocketAddress(ipv6), "[fd00::1]:53");
});
