import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBytes, formatAddress } from "./ip-address.ts";
import { encodeSocketAddress, formatSocketAddress } from "./socket-address.ts";

test("addresses of both families are told by as many bytes as they have", () => {
  for (const text of ["172.18.0.2", "255.255.255.255", "fd00::2", "2001:db8:1:2:3:4:5:6"])
    assert.equal(formatAddress(addressBytes(text)), text);
  assert.deepEqual([...addressBytes("fe80::102")].slice(-2), [1, 2]);
  assert.equal(formatAddress(Uint8Array.of(1, 2, 3)), undefined);
  assert.throws(() => addressBytes("db"), { message: "invalid IP address: db" });
});

test("socket addresses are laid out as the kernel reads them", () => {
  const ipv4 = encodeSocketAddress("127.0.0.11", 53);
  assert.equal(Buffer.from(ipv4).toString("hex"), "020000357f00000b0000000000000000");
  const ipv6 = encodeSocketAddress("fd00::1", 53);
  assert.equal(Buffer.from(ipv6).toString("hex"), "0a00003500000000fd00000000000000000000000000000100000000");
  assert.equal(formatSocketAddress(ipv4), "127.0.0.11:53");
  assert.equal(formatSocketAddress(ipv6), "[fd00::1]:53");
});
