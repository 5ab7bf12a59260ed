import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIpv4, parseCidr, parseIpv4, subnetOf } from "#formats/ipv4.ts";
import { AddressPool } from "./address-pool.ts";

const subnet = (text: string) => {
  const { address, prefixLength } = parseCidr(text);
  return subnetOf(address, prefixLength);
};
const next = (pool: AddressPool): string | undefined => {
  const address = pool.allocate();
  return address === undefined ? undefined : formatIpv4(address);
};

test("the first container gets .2 after the gateway", () => {
  const pool = new AddressPool(subnet("172.17.0.0/16"));
  pool.take(parseIpv4("172.17.0.1"));
  assert.deepEqual([next(pool), next(pool)], ["172.17.0.2", "172.17.0.3"]);
});

test("the lowest released address is given next", () => {
  const pool = new AddressPool(subnet("10.0.0.0/24"));
  const given = [next(pool), next(pool), next(pool)];
  pool.release(parseIpv4("10.0.0.2"));
  assert.deepEqual(
    [...given, next(pool), next(pool)],
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.2", "10.0.0.4"],
  );
});

test("network and broadcast address are never given, and a full pool says so", () => {
  const pool = new AddressPool(subnet("10.0.0.0/30"));
  assert.deepEqual([next(pool), next(pool), next(pool)], ["10.0.0.1", "10.0.0.2", undefined]);
});

test("a range limits what is chosen, not what may be asked for", () => {
  const pool = new AddressPool(subnet("10.0.0.0/24"), subnet("10.0.0.128/31"));
  assert.deepEqual([next(pool), next(pool), next(pool)], ["10.0.0.128", "10.0.0.129", undefined]);
  assert.equal(pool.take(parseIpv4("10.0.0.7")), true);
  assert.equal(pool.take(parseIpv4("10.0.0.7")), false);
  assert.throws(() => pool.take(parseIpv4("10.0.1.7")), /does not belong/);
});

test("what is taken is counted in the subnet, what is free in the range", () => {
  const pool = new AddressPool(subnet("10.0.0.0/24"), subnet("10.0.0.128/30"));
  pool.take(parseIpv4("10.0.0.1"));
  pool.allocate();
  assert.deepEqual(pool.usage(), { taken: 4, free: 3 });
});
