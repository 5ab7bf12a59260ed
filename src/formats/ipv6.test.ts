import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findIpv6, formatIpv6 } from "./ipv6.ts";

test("addresses are written as RFC 5952 has them", () => {
  const texts: Readonly<Record<string, string>> = {
    "::": "::",
    "::1": "::1",
    "1::": "1::",
    "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "::ffff:192.0.2.128": "::ffff:c000:280",
    "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0",
  };
  for (const [given, expected] of Object.entries(texts))
    assert.equal(formatIpv6(findIpv6(given) ?? -1n), expected, given);
});

test("what is not an address is not read", () => {
  const texts =
    ": ::: 1 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 1:2:3:4:5:6:7:8:: g:: 12345:: 1.2.3.4 1.2.3.4:: ::1.2.3 ::1.2.3.4:5 fe80::1%eth0 :1:: 1:2:3:4:5:6:7: ::1/64";
  for (const text of ["", ...texts.split(" ")]) assert.equal(findIpv6(text), undefined, text);
});

test("every address is read back", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
      (value) => findIpv6(formatIpv6(value)) === value,
    ),
  );
  fc.assert(fc.property(fc.ipV6(), (text) => findIpv6(text) !== undefined));
});
