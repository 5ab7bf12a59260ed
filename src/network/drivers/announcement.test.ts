import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownOwners } from "./announcement.ts";

const USUAL = "02:42:0a:01:00:02";
const endpoint = (endpointId: string, macAddress: string, ipv6?: string) => ({
  ...{ endpointId, macAddress, ipv4: "10.1.0.2" },
  ...(ipv6 !== undefined && { ipv6 }),
});

test("an address that comes to another MAC address is announced, and one that stays is not", () => {
  const owners = new KnownOwners();
  assert.equal(owners.replace(endpoint("a", USUAL)), false, "it follows from the address");
  assert.equal(owners.replace(endpoint("b", "02:00:00:00:00:09")), true);
  assert.equal(owners.replace(endpoint("b", "02:00:00:00:00:09")), true, "the same link once more");
  assert.equal(owners.replace(endpoint("c", "02:00:00:00:00:09")), false);
  assert.equal(owners.replace(endpoint("d", USUAL)), true, "back to the usual one");
});

test("nobody knows who had an IPv6 address before the daemon started", () => {
  const owners = new KnownOwners();
  assert.equal(owners.replace(endpoint("a", USUAL, "fd00::2")), true);
  assert.equal(owners.replace(endpoint("b", USUAL, "fd00::2")), false);
  assert.equal(owners.replace(endpoint("c", USUAL, "fd00::3")), true);
});

test("of addresses given in turn only the last owners are remembered", () => {
  const owners = new KnownOwners();
  const OWN = "02:00:00:00:00:09";
  const first = { endpointId: "first", macAddress: OWN, ipv4: "10.1.0.1" };
  owners.replace(first);
  const later = (from: number, count: number): void => {
    for (let at = from; at < from + count; at++)
      owners.replace({ endpointId: `e${at}`, macAddress: OWN, ipv4: `10.2.${at >> 8}.${at & 255}` });
  };
  later(0, 1023);
  assert.equal(owners.replace({ ...first, endpointId: "second" }), false, "its last owner is known");
  later(1023, 1024);
  assert.equal(owners.replace({ ...first, endpointId: "third" }), true, "nobody knows any more");
});
