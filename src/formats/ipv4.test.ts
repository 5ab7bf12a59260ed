import assert from "node:assert/strict";
import { test } from "node:test";
import { contains, findIpv4, formatIpv4, formatSubnet, overlaps, parseCidr, subnetOf } from "./ipv4.ts";

test("addresses are read and written", () => {
  assert.equal(findIpv4("172.17.0.2"), 0xac110002);
  assert.equal(formatIpv4(0xac110002), "172.17.0.2");
  for (const wrong of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "::1"])
    assert.equal(findIpv4(wrong), undefined, wrong);
});

test("an address with a prefix length names its subnet", () => {
  const { address, prefixLength } = parseCidr("192.168.5.9/20");
  assert.equal(formatSubnet(subnetOf(address, prefixLength)), "192.168.0.0/20");
  for (const wrong of ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/8/8", "1.2.3/8", "1.2.3.4/"])
    assert.throws(() => parseCidr(wrong), { message: `invalid CIDR address: ${wrong}` });
});

test("subnets overlap when one holds the other", () => {
  const of = (text: string) => {
    const { address, prefixLength } = parseCidr(text);
    return subnetOf(address, prefixLength);
  };
  assert.equal(overlaps(of("172.17.0.0/16"), of("172.17.5.0/24")), true);
  assert.equal(overlaps(of("172.17.5.0/24"), of("172.17.0.0/16")), true);
  assert.equal(overlaps(of("172.17.0.0/16"), of("172.18.0.0/16")), false);
  assert.equal(contains(of("0.0.0.0/0"), 0xffffffff), true);
});
