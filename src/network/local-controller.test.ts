import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createBridge, createVeth } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { plainBridge } from "#spec/daemon-bridge.ts";
import type { AttachRequest, EndpointRequest, Sandbox } from "./controller.ts";
import { openController } from "./open-controller.ts";
import { PortPublisher } from "./ports/publish.ts";

const BRIDGE = 3;
const ENDPOINT_ID = "0123456789abcdef".repeat(4);
const { signal } = new AbortController();

/** A kernel that does what it is asked, unless `fails` holds for an operation. */
function fakeKernel(links: readonly Uint8Array[] = []) {
  const plans: Plan[] = [];
  const kernel = { plans, fails: (_op: Op): boolean => false };
  const executor: Executor = {
    run: async (plan) => {
      plans.push(plan);
      if (plan.some((op) => kernel.fails(op))) throw new Error("connect ECONNREFUSED");
      const isSurvey = plan.some(({ why }) => why === "list interfaces");
      const bridge = createBridge({ index: BRIDGE, name: "docker0" });
      if (isSurvey) return new Map([[0, [bridge, ...links]]]);
      return new Map(plan.some(({ why }) => why === "bridge docker0") ? [[1, [bridge]]] : []);
    },
    hold: () => Promise.reject(new Error("not asked for")),
  };
  return { kernel, executor };
}

async function openNetworks(executor: Executor, undo: AsyncDisposableStack) {
  const dataRoot = mkdtempSync(join(tmpdir(), "gantry-network-"));
  undo.defer(() => rmSync(dataRoot, { recursive: true }));
  const held = new Set<string>();
  const ports = new PortPublisher({
    hold: async ({ hostIp, hostPort }) => {
      held.add(`${hostIp}:${hostPort}`);
      return { close: () => held.delete(`${hostIp}:${hostPort}`) };
    },
    findSocket: async () => undefined,
    carriesAll: "",
    ephemeral: { first: 40000, last: 40001 },
    hasIpv6: false,
    defaultHostIp: "0.0.0.0",
  });
  const warnings: string[] = [];
  const sockets = { open: () => Promise.reject(new Error("not asked for")) };
  const warn = (message: string): unknown => warnings.push(message);
  const settings = {
    ...{ dataRoot, execRoot: dataRoot, bridge: "docker0", mtu: 1500, defaultHostIp: "0.0.0.0" },
    ...{ addressPools: [], defaultBridge: plainBridge },
  };
  const plugins = { get: () => Promise.reject(new Error("not asked for")) };
  const networks = await openController({ executor, sockets, ports, plugins, warn }, settings, signal);
  undo.use(networks);
  return { networks, held, warnings };
}

const request = (
  sandboxId: string,
  { ports = [], ...more }: Partial<EndpointRequest & AttachRequest> = {},
): AttachRequest => ({
  sandboxId,
  endpoints: [{ network: "bridge", endpointId: ENDPOINT_ID, ...more }],
  ports,
});

const restored = (networkId: string, ipv4: string): Sandbox => ({
  id: "old",
  path: "/netns/old",
  endpoints: [
    {
      networkId,
      networkName: "bridge",
      endpointId: ENDPOINT_ID,
      interfaceName: "eth0",
      ipv4,
      prefixLength: 16,
      gateway: "172.17.0.1",
      macAddress: "02:42:ac:11:00:09",
      ports: [],
    },
  ],
});

test("a detach that cannot change the rules gives address and port back all the same", async () => {
  await using undo = new AsyncDisposableStack();
  const { kernel, executor } = fakeKernel();
  const { networks, held } = await openNetworks(executor, undo);
  const port = { proto: "tcp", containerPort: 80, hostIp: "", hostPort: 8080 } as const;
  const {
    endpoints: [endpoint],
  } = await networks.attach(request("a", { ports: [port] }), signal);
  kernel.fails = ({ why }) => why === "published ports";
  await assert.rejects(networks.detach("a"), /ECONNREFUSED/);
  kernel.fails = () => false;
  assert.deepEqual([...held], []);
  const again = await networks.attach(request("b", { ipv4: endpoint?.ipv4 ?? "", ports: [port] }), signal);
  assert.equal(again.endpoints[0]?.ipv4, endpoint?.ipv4);
});

test("a sandbox that cannot be taken off its network keeps its ports", async () => {
  await using undo = new AsyncDisposableStack();
  const { kernel, executor } = fakeKernel();
  const { networks, held } = await openNetworks(executor, undo);
  const port = { proto: "tcp", containerPort: 80, hostIp: "", hostPort: 8080 } as const;
  await networks.attach(request("a", { ports: [port] }), signal);
  kernel.plans.length = 0;
  const { id } = networks.get("bridge");
  kernel.fails = ({ op }) => op === "removeLink";
  await assert.rejects(networks.disconnect("a", id), /ECONNREFUSED/);
  const rules = kernel.plans.flat().filter(({ why }) => why === "published ports");
  assert.equal(rules.length, 2); // taken out, and put back
  assert.equal(held.size, 1);
  kernel.fails = () => false;
  assert.deepEqual((await networks.disconnect("a", id)).endpoints, []);
  assert.equal(held.size, 0);
});

test("an address that a restored sandbox only claims is not given away when it goes", async () => {
  await using undo = new AsyncDisposableStack();
  const { executor } = fakeKernel();
  const { networks, warnings } = await openNetworks(executor, undo);
  await networks.restore([restored(networks.get("bridge").id, "172.17.0.1")]); // the bridge's own
  assert.match(warnings.join(), /172\.17\.0\.1, which network bridge does not offer/);
  await networks.detach("old");
  await assert.rejects(networks.attach(request("b", { ipv4: "172.17.0.1" }), signal), /already in use/);
});

test("a restored sandbox's interface is the port of our bridge, not one elsewhere that has its name", async () => {
  const [foreign, ours] = [`veth${ENDPOINT_ID.slice(0, 7)}`, `veth${ENDPOINT_ID.slice(7, 14)}`];
  const veth = (name: string, master: number) => createVeth({ index: 9, name, master }, { name: "eth0" });
  await using undo = new AsyncDisposableStack();
  const { kernel, executor } = fakeKernel([veth(foreign, 77), veth(ours, BRIDGE)]);
  const { networks } = await openNetworks(executor, undo);
  await networks.restore([restored(networks.get("bridge").id, "172.17.0.9")]);
  await networks.detach("old");
  await networks.attach(request("b", { ipv4: "172.17.0.9" }), signal);
  const silencing = kernel.plans.flat().filter(({ why }) => why === "previous owner of the address");
  const named = (name: string): boolean =>
    silencing.some((op) => op.op === "netlink" && Buffer.concat(op.messages).includes(name));
  assert.deepEqual([named(ours), named(foreign)], [true, false]);
});

test("whatever fails when everything is to go, the rest goes", async () => {
  await using undo = new AsyncDisposableStack();
  const { kernel, executor } = fakeKernel();
  const { networks } = await openNetworks(executor, undo);
  const port = { proto: "tcp", containerPort: 80, hostIp: "", hostPort: 8080 } as const;
  await networks.attach(request("a", { ports: [port] }), signal);
  kernel.plans.length = 0;
  kernel.fails = ({ why }) => why === "published ports";
  await assert.rejects(networks.removeAll(), /ECONNREFUSED/);
  assert.ok(kernel.plans.flat().some(({ why }) => why === "bridge docker0"));
});
