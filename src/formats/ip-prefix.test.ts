import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addressBytes,
  findAddress,
  findPrefix,
  formatAddress,
  formatPrefix,
  overlap,
  parseAddress,
  parsePrefix,
  readAddress,
  subnetOf,
} from "./ip-prefix.ts";

const subnet = (text: string) => subnetOf(parsePrefix(text));

test("addresses of both families are read, mapped ones as what they are", () => {
  for (const [given, family, text] of [
    ["10.0.0.1", 4, "10.0.0.1"],
    ["::ffff:10.0.0.1", 4, "10.0.0.1"],
    ["::10.0.0.1", 6, "::a00:1"],
    ["FD00::1", 6, "fd00::1"],
  ] as const) {
    const address = findAddress(given);
    assert.equal(address?.family, family);
    assert.equal(address && formatAddress(address), text);
  }
  assert.equal(findAddress("10.0.0"), undefined);
});

test("addresses of both families are told by as many bytes as they have", () => {
  for (const text of ["172.18.0.2", "255.255.255.255", "fd00::2", "2001:db8:1:2:3:4:5:6"]) {
    const read = readAddress(addressBytes(parseAddress(text)));
    assert.equal(read && formatAddress(read), text);
  }
  assert.deepEqual([...addressBytes(parseAddress("fe80::102"))].slice(-2), [1, 2]);
  assert.equal(readAddress(Uint8Array.of(1, 2, 3)), undefined);
  assert.throws(() => parseAddress("db"), { message: "invalid IP address: db" });
});

test("a prefix names its subnet", () => {
  assert.equal(formatPrefix(subnet("192.168.5.9/20")), "192.168.0.0/20");
  assert.equal(formatPrefix(subnet("fd00:0:0:1:2::9/64")), "fd00:0:0:1::/64");
  assert.equal(formatPrefix(subnet("::/0")), "::/0");
  for (const wrong of [
    "",
    "1.2.3.4",
    "1.2.3.4/33",
    "1.2.3.4/8/8",
    "1.2.3/8",
    "1.2.3.4/",
    "1.2.3.4/08",
    "::/129",
    "/8",
  ])
    assert.equal(findPrefix(wrong), undefined, wrong);
});

test("subnets overlap when one holds the other", () => {
  for (const [one, other, expected] of [
    ["172.17.0.0/16", "172.17.5.0/24", true],
    ["172.17.0.0/16", "172.18.0.0/16", false],
    ["fd00::/8", "fd12::/64", true],
    ["0.0.0.0/0", "::/0", false],
  ] as const) {
    assert.equal(overlap(subnet(one), subnet(other)), expected, `${one} ${other}`);
    assert.equal(overlap(subnet(other), subnet(one)), expected, `${other} ${one}`);
  }
});

test("every prefix is read back", () => {
  const ipv6 = fc.record({
    family: fc.constant(6 as const),
    value: fc.bigInt({ min: 1n << 48n, max: (1n << 128n) - 1n }),
    length: fc.nat(128),
  });
  const ipv4 = fc.record({
    family: fc.constant(4 as const),
    value: fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
    length: fc.nat(32),
  });
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), (prefix) => {
      assert.deepEqual(parsePrefix(formatPrefix(prefix)), { ...prefix });
    }),
  );
});
