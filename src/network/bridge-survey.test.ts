import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePrefix } from "#formats/ip-prefix.ts";
import { formatIpv4 } from "#formats/ipv4.ts";
import { chooseBridgeAddress, type Survey } from "./bridge-survey.ts";

const routesTo = (...destinations: readonly string[]): Survey => ({
  links: [],
  addresses: [],
  routes: destinations.map((text) => ({ destination: parsePrefix(text), linkIndex: 1, onLink: true })),
});

const choose = (survey: Survey, bip?: string): string => {
  const chosen = chooseBridgeAddress(survey, "docker0", bip);
  return `${formatIpv4(chosen.address)}/${chosen.prefixLength}`;
};

test("the bridge gets Docker's default address", () => {
  assert.equal(choose(routesTo("0.0.0.0/0", "10.0.0.0/8")), "172.17.0.1/16");
});

test("subnets that the host has routes to are passed over", () => {
  assert.equal(choose(routesTo("172.17.4.0/24", "172.18.0.0/15")), "172.20.0.1/16");
  assert.equal(choose(routesTo("172.16.0.0/12", "192.168.0.0/28")), "192.168.16.1/20");
});

test("no free subnet is an error in Docker's words", () => {
  assert.throws(() => choose(routesTo("172.16.0.0/12", "192.168.0.0/16")), /non-overlapping IPv4/);
});

test("the configured address goes before all, then the one that the bridge has", () => {
  const survey: Survey = {
    links: [{ index: 7, name: "docker0", up: true, kind: "bridge", master: 0, macAddress: "" }],
    addresses: [{ linkIndex: 7, address: parsePrefix("10.9.0.1/24") }],
    routes: [],
  };
  assert.equal(choose(survey), "10.9.0.1/24");
  assert.equal(choose(survey, "10.8.0.1/22"), "10.8.0.1/22");
});
