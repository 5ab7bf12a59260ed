import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeContainerConfig, decodeHostConfig, defaultEndpoint } from "#spec/container-config.ts";
import { decodeContainerRecord, decodeContainerState, newState } from "./record.ts";

const stored = (networkMode: string, endpoints: object) => ({
  ...{ id: "1".repeat(64), name: "web", createdAt: "", imageId: "", chainId: "", imageName: "" },
  ...{ path: "sh", args: [], mounts: [], logPath: "" },
  config: decodeContainerConfig({}, ""),
  hostConfig: decodeHostConfig({ NetworkMode: networkMode }, ""),
  endpoints,
});

const address = { ...defaultEndpoint, MacAddress: "02:42:ac:11:00:99" };

for (const [mode, endpoints, networks] of [
  ["default", {}, { bridge: defaultEndpoint }],
  ["default", { default: address }, { bridge: address }],
  ["bridge", { bridge: address }, { bridge: address }],
  ["none", {}, { none: defaultEndpoint }],
  ["container:1234", {}, {}],
] as const)
  test(`a record of before there were several networks is on that of its mode: ${mode}`, () => {
    assert.deepEqual(decodeContainerRecord(stored(mode, endpoints), "").networks, networks);
  });

test("a container that has left all its networks is on none after a restart", () => {
  const record = { ...stored("bridge", {}), networks: {} };
  assert.deepEqual(decodeContainerRecord(record, "").networks, {});
});

const endpoint = {
  ...{ networkId: "n", networkName: "bridge", endpointId: "e", interfaceName: "eth0", ipv4: "172.17.0.2" },
  ...{ prefixLength: 16, gateway: "172.17.0.1", macAddress: "02:42:ac:11:00:02", ports: [] },
};

for (const [what, sandbox, endpoints] of [
  ["with a network", { id: "s", path: "/s", endpoint }, [endpoint]],
  ["without one", { id: "s", path: "/s" }, []],
  ["of today", { id: "s", path: "/s", endpoints: [endpoint, endpoint] }, [endpoint, endpoint]],
] as const)
  test(`the sandbox of a running container is read: ${what}`, () => {
    const request = { sandboxId: "s", network: "bridge", endpointId: "e", ports: [] };
    const state = decodeContainerState({ ...newState, status: "running", network: { request, sandbox } }, "");
    assert.deepEqual(state.network?.sandbox, { id: "s", path: "/s", endpoints });
  });
