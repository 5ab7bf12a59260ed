import assert from "node:assert/strict";
import { test } from "node:test";
import { type IpamFlags, ipamConfig } from "./ipam.ts";

const none: IpamFlags = { subnets: [], ranges: [], gateways: [], auxiliary: {} };

test("ranges, gateways and auxiliary addresses go to the subnet that they are in", () => {
  const config = ipamConfig({
    subnets: ["10.1.0.0/16", "fd00::/64"],
    ranges: ["10.1.2.0/24"],
    gateways: ["fd00::9", "10.1.0.9"],
    auxiliary: { a: "10.1.2.3", none: "" },
  });
  assert.deepEqual(config, [
    {
      ...{ Subnet: "10.1.0.0/16", IPRange: "10.1.2.0/24", Gateway: "10.1.0.9" },
      AuxiliaryAddresses: { a: "10.1.2.3" },
    },
    { Subnet: "fd00::/64", Gateway: "fd00::9", AuxiliaryAddresses: {} },
  ]);
});

for (const [flags, message] of [
  [{ gateways: ["10.1.0.1"] }, "every ip-range or gateway must have a corresponding subnet"],
  [{ subnets: ["10.1.0.0/16", "10.1.2.0/24"] }, "multiple overlapping subnet configuration is not supported"],
  [{ subnets: ["nonsense"], gateways: ["10.1.0.1"] }, "invalid subnet: invalid CIDR address: nonsense"],
  [{ subnets: ["10.1.0.0/24"], ranges: ["10.2.0.0/28"] }, "no matching subnet for range 10.2.0.0/28"],
  [{ subnets: ["10.1.0.0/24"], gateways: ["10.2.0.1"] }, "no matching subnet for gateway 10.2.0.1"],
  [{ subnets: ["10.1.0.0/24"], auxiliary: { x: "10.2.0.1" } }, "no matching subnet for aux-address 10.2.0.1"],
  [
    { subnets: ["10.1.0.0/24", "10.2.0.0/24"], gateways: ["10.1.0.1", "10.1.0.2"] },
    "cannot configure multiple gateways (10.1.0.2, 10.1.0.1) for the same subnet (10.1.0.0/24)",
  ],
] as const)
  test(`refused: ${message}`, () => assert.throws(() => ipamConfig({ ...none, ...flags }), { message }));
