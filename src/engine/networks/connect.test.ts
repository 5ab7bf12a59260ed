import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startContainer } from "../containers/start.ts";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { type ConnectNetworkDeps, disconnectNetwork } from "./connect.ts";

/** A container that runs, on the default bridge, and what takes it off. */
async function open(t: TestContext) {
  const { deps, create } = openFakeContainers(t);
  const container = await create({});
  await startContainer(deps, container, t.signal);
  const networks: ConnectNetworkDeps["networks"] = {
    find: (name) => deps.networks.find(name),
    get: (name) => deps.networks.find(name) ?? assert.fail(`no network ${name}`),
    connect: () => assert.fail("not asked for"),
    disconnect: async (id) => ({ id, path: `/netns/${id}`, endpoints: [] }),
  };
  const etc = { writeHosts: async () => undefined, writeResolvConf: async () => undefined };
  const disconnect = (change: Partial<ConnectNetworkDeps>) =>
    disconnectNetwork({ ...deps, networks, etc, ...change }, "bridge", { container: "web", force: false });
  return { container, networks, etc, disconnect };
}

const endpointsOf = ({ container }: Awaited<ReturnType<typeof open>>): readonly string[] | undefined =>
  container.state.network?.sandbox.endpoints.map(({ networkName }) => networkName);

test("a disconnection that fails leaves the container on the network", async (t) => {
  const opened = await open(t);
  const networks = { ...opened.networks, disconnect: () => Promise.reject(new Error("no answer")) };
  await assert.rejects(opened.disconnect({ networks }), { message: "no answer" });
  assert.deepEqual(endpointsOf(opened), ["bridge"]);
  assert.deepEqual(Object.keys(opened.container.record.networks), ["bridge"]);
});

test("a network that was left does not come back because the hosts file cannot be written", async (t) => {
  const opened = await open(t);
  const etc = { ...opened.etc, writeHosts: () => Promise.reject(new Error("disk is full")) };
  await assert.rejects(opened.disconnect({ etc }), { message: "disk is full" });
  assert.deepEqual(endpointsOf(opened), []);
  assert.deepEqual(Object.keys(opened.container.record.networks), []);
});
