import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkSpec } from "../network-spec.ts";
import { readBridgeOptions } from "./bridge-options.ts";

const TRUSTED = "com.docker.network.bridge.trusted_host_interfaces";

const read = (options: NetworkSpec["options"]) =>
  readBridgeOptions(
    {
      ...{ name: "lan", driver: "bridge", options, labels: {}, internal: false, attachable: false },
      ...{ enableIpv4: true, enableIpv6: false, configOnly: false, configFrom: "" },
      ipam: { driver: "default", options: null, config: [] },
    },
    "0123456789abcdef",
    1500,
  );

test("interfaces are trusted by their names; one that none can have is refused, not cut", () => {
  assert.deepEqual(read({ [TRUSTED]: "eth1:eth0.10:" }).trustedInterfaces, ["eth1", "eth0.10"]);
  for (const name of ["sixteen-letters-", "a/b", "a b"])
    assert.throws(() => read({ [TRUSTED]: `eth1:${name}` }), {
      kind: "invalid",
      message: `failed to parse ${TRUSTED} value: eth1:${name} (invalid interface name ${name})`,
    });
});
