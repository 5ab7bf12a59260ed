import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { overlap, parsePrefix } from "#formats/ip-prefix.ts";
import { DefaultIpam } from "./default-ipam.ts";
import { choosePools, type PoolSetting } from "./default-pools.ts";
import { reservedSubnets } from "./host-subnets.ts";
import type { Pool } from "./ipam-driver.ts";
import { nullIpam } from "./null-ipam.ts";

interface Host {
  readonly onLink?: readonly string[];
  readonly routed?: readonly string[];
  readonly nameservers?: readonly string[];
}

function open(settings: readonly PoolSetting[] = [], host: Host = {}): DefaultIpam {
  const routes = (texts: readonly string[] = [], onLink: boolean) =>
    texts.map((text) => ({ destination: parsePrefix(text), linkIndex: 1, onLink }));
  const all = [...routes(host.onLink, true), ...routes(host.routed, false)];
  return new DefaultIpam({
    pools: choosePools(settings, "engine"),
    reserved: async (family) => reservedSubnets(family, all, host.nameservers ?? []),
  });
}

const any = async (ipam: DefaultIpam, family: 4 | 6 = 4, subnet?: string): Promise<string> =>
  (await ipam.requestPool({ family, options: {}, ...(subnet === undefined ? {} : { subnet }) })).subnet;

test("Docker's pools come first and in its order, then enough for hundreds more", async () => {
  const ipam = open();
  const subnets: string[] = [];
  for (let index = 0; index < 500; index++) subnets.push(await any(ipam));
  assert.deepEqual(subnets.slice(0, 2), ["172.17.0.0/16", "172.18.0.0/16"]);
  assert.deepEqual(subnets.slice(14, 17), ["172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]);
  assert.deepEqual(subnets.slice(30, 33), ["192.168.240.0/20", "10.128.0.0/24", "10.128.1.0/24"]);
  assert.equal(new Set(subnets).size, 500);
});

test("the administrator's pools are all there are, in the order of their addresses", async () => {
  const ipam = open([
    { base: "10.20.0.0/23", size: 24 },
    { base: "10.10.0.0/30", size: 31 },
    { base: "10.20.1.0/24", size: 26 },
  ]);
  const subnets = [await any(ipam), await any(ipam), await any(ipam), await any(ipam)];
  assert.deepEqual(subnets, ["10.10.0.0/31", "10.10.0.2/31", "10.20.0.0/24", "10.20.1.0/24"]);
  await assert.rejects(any(ipam), {
    kind: "invalid",
    message: "all predefined address pools have been fully subnetted",
  });
});

test("a released subnet is the next that is chosen", async () => {
  const ipam = open();
  await any(ipam);
  const { poolId } = await ipam.requestPool({ family: 4, options: {} });
  await any(ipam);
  await ipam.releasePool(poolId);
  assert.equal(await any(ipam), "172.18.0.0/16");
  await ipam.releasePool(poolId);
  await assert.rejects(ipam.releasePool(poolId), {
    message: "address space does not contain specified address pool",
  });
});

test("subnets on links of the host and of its name servers are passed over, default routes in disguise are not", async () => {
  const ipam = open([], {
    onLink: ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "172.0.0.0/7", "172.17.4.0/24", "172.18.0.0/15"],
    nameservers: ["172.20.0.53", "fd00::53", "no address"],
  });
  assert.equal(await any(ipam), "172.21.0.0/16");
});

test("what is behind a gateway is chosen last", async () => {
  const pools = [{ base: "172.16.0.0/14", size: 16 }];
  const ipam = open(pools, { onLink: ["172.16.1.0/24"], routed: ["172.17.0.0/16", "172.18.0.0/16"] });
  assert.deepEqual([await any(ipam), await any(ipam)], ["172.19.0.0/16", "172.17.0.0/16"]);
  const hidden = open([], { routed: ["172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8"] });
  assert.equal(await any(hidden), "172.17.0.0/16");
});

test("an IPv6 subnet is one of the engine's own, and stays the same", async () => {
  const first = await any(open(), 6);
  assert.match(first, /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
  assert.equal(await any(open(), 6), first);
  assert.equal(await any(open([{ base: "2001:db8::/32", size: 64 }]), 6), "2001:db8::/64");
});

test("a subnet may be asked for by its size", async () => {
  const ipam = open();
  assert.equal(await any(ipam, 4, "0.0.0.0/24"), "172.17.0.0/24");
  assert.equal(await any(ipam, 4, "0.0.0.0/24"), "172.17.1.0/24");
  assert.equal(await any(ipam), "172.18.0.0/16");
  assert.match(await any(ipam, 6, "::/80"), /^fd.*\/80$/);
  await assert.rejects(any(ipam, 4, "0.0.0.0/4"), { kind: "invalid", message: "invalid address pool" });
});

test("a subnet that overlaps with another is refused", async () => {
  const ipam = open();
  await any(ipam, 4, "10.1.0.0/16");
  for (const subnet of ["10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/8"])
    await assert.rejects(any(ipam, 4, subnet), {
      kind: "forbidden",
      message: "invalid pool request: Pool overlaps with other one on this address space",
    });
  assert.equal(await any(ipam, 4, "10.2.0.9/16"), "10.2.0.0/16");
});

test("networks may share a subnet in parts; their addresses are apart, too", async () => {
  const ipam = open();
  const part = (range: string) => ipam.requestPool({ family: 4, subnet: "10.1.0.0/16", range, options: {} });
  const one = await part("10.1.1.0/24");
  const other = await part("10.1.2.0/24");
  await assert.rejects(part("10.1.2.0/24"), { kind: "forbidden" });
  assert.equal(await ipam.requestAddress(one.poolId, undefined, {}), "10.1.1.0/16");
  assert.equal(await ipam.requestAddress(other.poolId, undefined, {}), "10.1.2.0/16");
  await assert.rejects(ipam.requestAddress(one.poolId, "10.1.2.0", {}), {
    kind: "forbidden",
    message: "Address already in use",
  });
  await ipam.releasePool(one.poolId);
  await assert.rejects(any(ipam, 4, "10.1.0.0/16"), { kind: "forbidden" });
  await ipam.releasePool(other.poolId);
  assert.equal(await any(ipam, 4, "10.1.0.0/16"), "10.1.0.0/16");
});

test("addresses out of the subnet, and more than there are, are refused", async () => {
  const ipam = open();
  const { poolId } = await ipam.requestPool({ family: 4, subnet: "10.0.0.0/30", options: {} });
  await assert.rejects(ipam.requestAddress(poolId, "10.0.0.4", {}), {
    kind: "invalid",
    message: "requested address is out of range",
  });
  assert.equal(await ipam.requestAddress(poolId, undefined, {}), "10.0.0.1/30");
  assert.equal(await ipam.requestAddress(poolId, "10.0.0.2", {}), "10.0.0.2/30");
  await assert.rejects(ipam.requestAddress(poolId, undefined, {}), {
    kind: "unavailable",
    message: "no available addresses on this pool",
  });
  await ipam.releaseAddress(poolId, "10.0.0.1");
  assert.equal(await ipam.requestAddress(poolId, undefined, {}), "10.0.0.1/30");
});

test("use is counted in the subnet, what is free in the range", async () => {
  const ipam = open();
  const small = await ipam.requestPool({
    family: 4,
    subnet: "10.0.0.0/24",
    range: "10.0.0.128/30",
    options: {},
  });
  await ipam.requestAddress(small.poolId, "10.0.0.1", {});
  await ipam.requestAddress(small.poolId, undefined, {});
  assert.deepEqual(ipam.usage(small.poolId), { taken: 4n, free: 3n });
  const large = await ipam.requestPool({ family: 6, subnet: "fd00::/64", options: {} });
  assert.deepEqual(ipam.usage(large.poolId), { taken: 1n, free: 2n ** 64n - 1n });
});

test("pools that cannot be split are refused in Docker's words", () => {
  assert.throws(() => open([{ base: "10.0.0.0/8", size: 0 }]), {
    message:
      "could not construct local address space: network at index 0 (&{10.0.0.0/8 0}) is not in canonical form",
  });
  assert.throws(
    () => open([{ base: "10.0.0.0/24", size: 16 }]),
    /has a smaller prefix \(\/24\) than the target size/,
  );
});

/** A subnet to ask for, "" for any; a number releases one of those that were given. */
type Step = string | number;

async function runStep(ipam: DefaultIpam, held: Pool[], one: Step): Promise<void> {
  if (typeof one === "number") {
    for (const { poolId } of held.splice(one, 1)) await ipam.releasePool(poolId);
    return;
  }
  const pool = await ipam.requestPool({ family: 4, options: {}, subnet: one }).catch(() => undefined);
  if (pool === undefined) return;
  assert.ok(!held.some((other) => overlap(parsePrefix(other.subnet), parsePrefix(pool.subnet))));
  held.push(pool);
}

test("whatever is requested and released: no two networks overlap", async () => {
  const subnet = fc.constantFrom(
    "",
    "0.0.0.0/20",
    "172.16.0.0/13",
    "172.18.0.0/16",
    "172.18.4.0/24",
    "172.19.0.0/17",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(subnet, fc.nat(30)), { maxLength: 40 }), async (steps) => {
      const ipam = open([], { onLink: ["172.17.128.0/17"] });
      const held: Pool[] = [];
      for (const one of steps) await runStep(ipam, held, one);
    }),
  );
});

const never = new AbortController().signal;

test("the null driver gives everything and nothing", async () => {
  const pool = await nullIpam.requestPool({ family: 6, options: {} }, never);
  assert.deepEqual(pool, { poolId: "null/::/0", space: "null", subnet: "::/0" });
  assert.equal(await nullIpam.requestAddress(pool.poolId, undefined, {}, never), undefined);
  await assert.rejects(nullIpam.requestPool({ family: 4, subnet: "10.0.0.0/8", options: {} }, never), {
    message: "null ipam driver does not handle specific address pool requests",
  });
  await assert.rejects(nullIpam.releaseAddress("LocalDefault/::/0", "::1"), {
    message: "unknown pool id: LocalDefault/::/0",
  });
});
