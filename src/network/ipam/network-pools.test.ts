import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSubnets, type SubnetSetting } from "./check-subnets.ts";
import { DefaultIpam } from "./default-ipam.ts";
import { choosePools } from "./default-pools.ts";
import { releaseAddress, releasePools, requestAddress, requestPools } from "./network-pools.ts";
import { nullIpam } from "./null-ipam.ts";

const open = (): DefaultIpam =>
  new DefaultIpam({
    pools: choosePools([], "engine"),
    reserved: async () => ({ always: [], ifPossible: [] }),
  });

const { signal } = new AbortController();
const network = { name: "net1", id: "id1" };
const setting = (more: Partial<SubnetSetting>): SubnetSetting => ({ auxiliary: {}, ...more });
const request = (...settings: readonly SubnetSetting[]) =>
  ({ family: 4, settings, options: {}, wantsGateway: true }) as const;

test("the gateway is the first address of the range, auxiliary addresses are not given", async () => {
  const ipam = open();
  const pools = await requestPools(
    ipam,
    request(setting({ subnet: "10.1.0.0/16", range: "10.1.5.0/24", auxiliary: { router: "10.1.5.1" } })),
    signal,
  );
  assert.deepEqual(pools, [
    {
      ...{ poolId: "LocalDefault/10.1.0.0/16/10.1.5.0/24", space: "LocalDefault" },
      ...{ family: 4, subnet: "10.1.0.0/16", gateway: "10.1.5.0", auxiliary: ["10.1.5.1"] },
    },
  ]);
  assert.equal((await requestAddress(ipam, { pools, options: {}, network }, signal))?.address, "10.1.5.2/16");
});

test("settings of the other family are passed over", async () => {
  const ipam = open();
  const both = [setting({ subnet: "fd00:1::/64" }), setting({ subnet: "fd00:2::/64", gateway: "fd00:2::9" })];
  const [ipv4] = await requestPools(ipam, request(...both), signal);
  assert.equal(ipv4?.subnet, "172.17.0.0/16");
  const ipv6 = await requestPools(ipam, { ...request(...both), family: 6, wantsGateway: false }, signal);
  assert.deepEqual(
    ipv6.map(({ subnet, gateway }) => [subnet, gateway]),
    [
      ["fd00:1::/64", undefined],
      ["fd00:2::/64", "fd00:2::9"],
    ],
  );
});

test("a pool that fails releases those before it", async () => {
  const ipam = open();
  const good = setting({ subnet: "10.1.0.0/24", gateway: "10.1.0.254" });
  for (const [bad, message] of [
    [setting({ subnet: "10.1.0.0/25" }), /Pool overlaps/],
    [
      setting({ subnet: "10.2.0.0/24", gateway: "10.2.0.255" }),
      /^failed to allocate gateway \(10.2.0.255\): Address already in use$/,
    ],
    [
      setting({ subnet: "10.2.0.0/24", auxiliary: { a: "10.3.0.1" } }),
      /^auxiliary address: \(a:10.3.0.1\) must belong to the master pool: 10.2.0.0\/24$/,
    ],
    [
      setting({ subnet: "10.2.0.0/24", gateway: "10.2.0.9", auxiliary: { a: "10.2.0.9" } }),
      /^failed to allocate secondary ip address \(a:10.2.0.9\): Address already in use$/,
    ],
  ] as const)
    await assert.rejects(requestPools(ipam, request(good, bad), signal), { message });
  const pools = await requestPools(ipam, request(good), signal);
  assert.equal(pools[0]?.gateway, "10.1.0.254");
  await releasePools(ipam, pools);
  await requestPools(ipam, request(good), signal);
});

test("an endpoint's address comes from the first subnet that has one", async () => {
  const ipam = open();
  const pools = await requestPools(
    ipam,
    request(setting({ subnet: "10.1.0.0/30" }), setting({ subnet: "10.2.0.0/30" })),
    signal,
  );
  const ask = (address?: string) =>
    requestAddress(
      ipam,
      { pools, options: {}, network, ...(address === undefined ? {} : { address }) },
      signal,
    );
  const first = await ask();
  assert.equal(first?.address, "10.1.0.2/30");
  assert.equal((await ask("10.2.0.2"))?.address, "10.2.0.2/30");
  await assert.rejects(ask("10.2.0.2"), { kind: "forbidden", message: "Address already in use" });
  await assert.rejects(ask("10.3.0.2"), {
    kind: "invalid",
    message: "invalid address 10.3.0.2: It does not belong to any of this network's subnets",
  });
  await assert.rejects(ask(), {
    kind: "system",
    message: "no available IPv4 addresses on this network's address pools: net1 (id1)",
  });
  await releaseAddress(ipam, first ?? { poolId: "", address: "" });
  assert.equal((await ask())?.address, "10.1.0.2/30");
});

test("with the null driver there are neither gateways nor addresses", async () => {
  const pools = await requestPools(nullIpam, request(), signal);
  assert.deepEqual(pools, [
    { poolId: "null/0.0.0.0/0", space: "null", family: 4, subnet: "0.0.0.0/0", auxiliary: [] },
  ]);
  assert.equal(await requestAddress(nullIpam, { pools, options: {}, network }, signal), undefined);
});

test("everything that is wrong with a configuration is told at once", () => {
  const errors = (setting: Partial<SubnetSetting>, ipv6 = false): string => {
    try {
      checkSubnets([{ auxiliary: {}, ...setting }], ipv6);
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "";
  };
  assert.equal(
    errors({ subnet: "10.0.0.0/8", range: "10.1.0.0/16", gateway: "10.9.0.1", auxiliary: { a: "10.0.0.3" } }),
    "",
  );
  assert.equal(
    errors({ subnet: "10.10.10.0/8" }),
    "invalid network config:\ninvalid subnet 10.10.10.0/8: it should be 10.0.0.0/8",
  );
  assert.equal(
    errors({ subnet: "10.0.0" }),
    "invalid network config:\ninvalid subnet 10.0.0: invalid CIDR block notation",
  );
  assert.equal(
    errors({ subnet: "10.10.10.0/24", range: "10.0.0.0/8" }),
    "invalid network config:\ninvalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.10.10.0/24",
  );
  assert.equal(
    errors({
      subnet: "10.0.0.0/8",
      range: "192.168.0.1/24",
      gateway: "192.168.0.1",
      auxiliary: { a: "::1" },
    }),
    [
      "invalid network config:",
      "* invalid ip-range 192.168.0.1/24: it should be 192.168.0.0/24",
      "* invalid ip-range 192.168.0.1/24: parent subnet 10.0.0.0/8 doesn't contain ip-range",
      "* invalid gateway 192.168.0.1: parent subnet 10.0.0.0/8 doesn't contain this address",
      "* invalid auxiliary address a: parent subnet is an IPv4 block",
    ].join("\n"),
  );
  assert.equal(errors({ subnet: "fd00::1/64" }), "", "without IPv6 the subnet is not looked at");
  assert.match(errors({ subnet: "fd00::1/64" }, true), /it should be fd00::\/64$/);
});
