import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePrefix } from "#formats/ip-prefix.ts";
import { type DefaultBridge, plainBridge } from "#spec/daemon-bridge.ts";
import { predefinedNetworks } from "./predefined-networks.ts";

function bridgeOf(wanted: Partial<DefaultBridge>, ...present: readonly string[]) {
  const survey = {
    links: [{ index: 7, name: "docker0", up: true, kind: "bridge", master: 0, macAddress: "" }],
    addresses: present.map((address) => ({ linkIndex: 7, address: parsePrefix(address) })),
    routes: [],
  };
  const settings = { bridge: "docker0", mtu: 1500, defaultHostIp: "0.0.0.0" };
  const [bridge] = predefinedNetworks({ ...settings, defaultBridge: { ...plainBridge, ...wanted } }, survey);
  return bridge;
}
const configOf = (wanted: Partial<DefaultBridge>, ...present: readonly string[]) =>
  bridgeOf(wanted, ...present)?.ipam.config;

test("the default bridge's address is the configured one, else the one that it has, else one is chosen", () => {
  assert.deepEqual(configOf({}), []);
  const present = [{ auxiliary: {}, subnet: "10.9.0.0/24", gateway: "10.9.0.1" }];
  assert.deepEqual(configOf({}, "10.9.0.1/24", "fe80::1/64"), present);
  const configured = [{ auxiliary: {}, subnet: "10.8.0.0/22", gateway: "10.8.0.1" }];
  assert.deepEqual(configOf({ bip: "10.8.0.1/22" }, "10.9.0.1/24"), configured);
});

test("the subnet for containers is a part of the bridge's, or the bridge's", () => {
  const part = { auxiliary: {}, subnet: "10.9.0.0/16", gateway: "10.9.0.1", range: "10.9.7.0/24" };
  assert.deepEqual(configOf({ fixedCidr: "10.9.7.0/24" }, "10.9.0.1/16"), [part]);
  const whole = { auxiliary: {}, subnet: "10.7.0.0/24", range: "10.7.0.0/24" };
  assert.deepEqual(configOf({ fixedCidr: "10.7.0.0/24" }), [whole]);
  assert.deepEqual(configOf({ fixedCidr: "10.7.0.0/24" }, "10.9.0.1/16"), [whole]);
});

test("IPv6 is on when it is asked for", () => {
  const asked = { fixedCidr6: "fd00:2::/64", gateway6: "fd00:2::9" };
  assert.equal(bridgeOf(asked)?.enableIpv6, false);
  assert.deepEqual(configOf(asked), []);
  const bridge = bridgeOf({ ...asked, ipv6: true }, "fe80::1/64");
  assert.equal(bridge?.enableIpv6, true);
  assert.deepEqual(bridge?.ipam.config, [
    { auxiliary: { DefaultGatewayIPv6: "fd00:2::9" }, subnet: "fd00:2::/64", range: "fd00:2::/64" },
  ]);
});

test("options of the default bridge are those of the daemon", () => {
  const options = bridgeOf({ icc: false, masquerade: false })?.options;
  assert.equal(options?.["com.docker.network.bridge.enable_icc"], "false");
  assert.equal(options?.["com.docker.network.bridge.enable_ip_masquerade"], "false");
});
