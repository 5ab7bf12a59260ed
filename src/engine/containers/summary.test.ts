import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NetworkInfo, Sandbox } from "#network/controller.ts";
import { Filters } from "../filters.ts";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { encodeContainers, type ListOptions, listContainers } from "./list.ts";
import type { MountPoint } from "./record.ts";
import { renameContainer } from "./rename.ts";
import { describeSummary, EncodedSummaries, type Surroundings } from "./summary.ts";

const network = (id: string): NetworkInfo => ({
  ...{ id, name: "bridge", driver: "bridge", createdAt: 0, usage: [], endpoints: [] },
  ...{ options: {}, labels: {}, internal: false, attachable: false, enableIpv4: true, enableIpv6: false },
  ...{ ipam: { driver: "default", options: null, config: [] }, configOnly: false, configFrom: "" },
  ...{ pools: [], facts: {} },
});
const around: Surroundings = {
  networks: { find: () => network("net1") },
  image: "busybox",
  aliases: [],
  minor: 50,
};
const endpoint = {
  ...{
    networkId: "net1",
    networkName: "bridge",
    endpointId: "e1",
    interfaceName: "eth0",
    ipv4: "172.17.0.2",
  },
  ...{ prefixLength: 16, gateway: "172.17.0.1", macAddress: "02:42:ac:11:00:02" },
  ports: [{ proto: "tcp", containerPort: 80, hostIp: "", hostPort: 8080 }],
} as const;
const attached = (sandbox: Sandbox) => ({ sandbox });
const volume: MountPoint = {
  ...{ type: "volume", name: "data", source: "/v/data", destination: "/data", driver: "local", mode: "z" },
  ...{ writable: true, propagation: "", copy: true, anonymous: false, createSource: false, options: [] },
  recursive: true,
};
const ran = { startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T01:00:00Z" };
const later = 1_800_000_000_000_000_000n;

/** A container that has been listed, and what to change of it. */
async function listed(t: TestContext) {
  const { deps, create } = openFakeContainers(t);
  const container = await create({ HostConfig: { Annotations: { a: "b" } } });
  const { containers } = deps;
  containers.saveState(container, { ...ran, status: "running" });
  const summaries = new EncodedSummaries();
  const encode = (changed: Surroundings, now = later): string => summaries.encode(container, changed, now);
  const before = encode(around);
  return { deps, container, containers, encode, before };
}
type Listed = Awaited<ReturnType<typeof listed>>;

/** Each changes the container, or answers what else is different. */
const changes: Readonly<
  Record<string, (parts: Listed) => Partial<Surroundings> | undefined | Promise<void>>
> = {
  name: ({ deps }) => renameContainer(deps, "web", "shop"),
  state: ({ containers, container }) => void containers.saveState(container, { status: "paused" }),
  "exit code": ({ containers, container }) =>
    void containers.saveState(container, { status: "exited", exitCode: 3 }),
  "state of one that is removed with its end, which is not saved": ({ container }) => {
    container.state = { ...container.state, status: "exited" };
    return undefined;
  },
  start: ({ containers, container }) =>
    void containers.saveState(container, { startedAt: "2027-01-15T07:59:00Z" }),
  health: ({ containers, container }) =>
    void containers.saveState(container, { health: { status: "healthy", failingStreak: 0, log: [] } }),
  address: ({ containers, container }) =>
    void containers.saveState(container, {
      network: attached({ id: "s1", path: "/s1", endpoints: [endpoint] }),
    }),
  mounts: ({ containers, container }) => void containers.saveRecord(container, { mounts: [volume] }),
  networks: ({ containers, container }) => void containers.saveRecord(container, { networks: {} }),
  "network mode": ({ containers, container }) =>
    void containers.saveRecord(container, {
      hostConfig: { ...container.record.hostConfig, NetworkMode: "none" },
    }),
  labels: ({ container }) => {
    const { record } = container;
    container.record = { ...record, config: { ...record.config, Labels: { a: "b" } } };
    return undefined;
  },
  "exposed ports": ({ container }) => {
    const { record } = container;
    container.record = { ...record, config: { ...record.config, ExposedPorts: { "80/tcp": {} } } };
    container.state = {
      ...container.state,
      network: attached({ id: "s1", path: "/s1", endpoints: [endpoint] }),
    };
    return undefined;
  },
  "the image's name": () => ({ image: "sha256:i" }),
  "names of links": () => ({ aliases: ["/web/db"] }),
  "the network's id": () => ({ networks: { find: () => network("net2") } }),
  "a network that is gone": () => ({
    networks: { find: () => undefined },
  }),
  "the API's version": () => ({ minor: 45 }),
  "a version that tells the health": () => ({ minor: 52 }),
};

for (const [what, change] of Object.entries(changes))
  test(`a line that was encoded before is encoded anew: ${what}`, async (t) => {
    const parts = await listed(t);
    const changed = { ...around, ...(await change(parts)) };
    const { container, encode, before } = parts;
    assert.notEqual(encode(changed), before);
    assert.equal(encode(changed), JSON.stringify(describeSummary(container, changed, later)));
  });

test("what is encoded of a line is kept, and its status tells the time", async (t) => {
  const { encode, before } = await listed(t);
  assert.equal(encode(around), before);
  assert.match(before, /"State":"running","Status":"Up 12 months","HostConfig"/);
  assert.match(encode(around, 1_767_225_660_000_000_000n), /"Status":"Up About a minute","HostConfig"/);
});

test("the encoded list is the list, with sizes and without", async (t) => {
  const { deps: parts, create } = openFakeContainers(t);
  const deps = { ...parts, sizes: { size: async () => 7 } };
  const options: ListOptions = {
    ...{ all: true, limit: 0, size: false, filters: new Filters(new Map()), minor: 50 },
  };
  assert.equal(await encodeContainers(deps, options, t.signal), "[]");
  await create({ Cmd: ["echo", 'a "quoted" ü word'] });
  await renameContainer(deps, "web", "first");
  await create({ Cmd: ["true"] });
  for (const size of [false, true]) {
    const list = await listContainers(deps, { ...options, size }, t.signal);
    assert.equal(list.length, 2);
    assert.equal(await encodeContainers(deps, { ...options, size }, t.signal), JSON.stringify(list));
  }
});
