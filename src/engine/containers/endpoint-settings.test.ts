import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultEndpoint, type EndpointConfig } from "#spec/container-config.ts";
import { validateEndpoints } from "./endpoint-settings.ts";

const validate = (endpoint: Partial<EndpointConfig>): void =>
  validateEndpoints(
    { find: () => undefined },
    { NetworkMode: "lan" },
    { lan: { ...defaultEndpoint, ...endpoint } },
  );

const withSysctl = (sysctl: string): Partial<EndpointConfig> => ({
  DriverOpts: { "com.docker.network.endpoint.sysctls": sysctl },
});

test("sysctls of an interface are set by their names", () => {
  validate(withSysctl("net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.ifname.retrans_time_ms=500"));
});

for (const sysctl of [
  "net.ipv4.conf.IFNAME./../../../../kernel/core_pattern=|/tmp/x",
  "net.ipv4.conf/all.IFNAME.x=1",
  "kernel.ipv4.conf.IFNAME.x=1",
  "net.ipv4.conf.eth0.x=1",
  "net.ipv4.conf.IFNAME.x",
  "",
])
  test(`nothing else can be written by ${JSON.stringify(sysctl)}`, () => {
    assert.throws(() => validate(withSysctl(sysctl)), {
      kind: "invalid",
      message: `invalid config for network lan: invalid endpoint settings:\nunrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    });
  });

test("what is no MAC address is refused", () => {
  for (const MacAddress of ["", "02-42-AC-11-00-02"]) validate({ MacAddress });
  assert.throws(() => validate({ MacAddress: "02:42:ac:11:00:zz" }), {
    kind: "invalid",
    message: "invalid config for network lan: invalid MAC address 02:42:ac:11:00:zz",
  });
});
