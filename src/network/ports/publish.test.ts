import assert from "node:assert/strict";
import { test } from "node:test";
import type { PortMapping } from "../controller.ts";
import type { PortAddress, Target } from "./held-port.ts";
import { PortPublisher } from "./publish.ts";

const TARGET = { ipv4: "172.17.0.2" };
const tcp = (hostPort: number, more: Partial<PortMapping> = {}): PortMapping => ({
  proto: "tcp",
  containerPort: 80,
  hostIp: "",
  hostPort,
  ...more,
});

/** A host on which `foreign` ports are taken by other processes. */
function openHost(options: { foreign?: readonly number[]; hasIpv6?: boolean; carriesAll?: boolean } = {}) {
  const held = new Set<string>();
  const targets: Target[] = [];
  const publisher = new PortPublisher({
    hold: async ({ proto, hostIp, hostPort }: PortAddress, target: Target) => {
      targets.push(target);
      if (hostPort === 0) return { close: () => {} };
      if (options.foreign?.includes(hostPort) === true)
        throw Object.assign(new Error("bind"), { code: "EADDRINUSE" });
      const name = `${hostIp} ${hostPort}/${proto}`;
      held.add(name);
      return { close: () => held.delete(name) };
    },
    ephemeral: { first: 32768, last: 32770 },
    hasIpv6: options.hasIpv6 ?? false,
    findSocket: async ({ first, last }) => options.foreign?.find((port) => port >= first && port <= last),
    defaultHostIp: "0.0.0.0",
    carriesAll: options.carriesAll === true ? "--firewall-respect-host" : "",
  });
  return { publisher, held, targets };
}

test("a port for every address is held in both families where there is IPv6", async () => {
  const { publisher, held } = openHost({ hasIpv6: true });
  const published = await publisher.publish([tcp(80)], TARGET);
  assert.deepEqual(
    published.ports.map((port) => `${port.hostIp} ${port.hostPort}`),
    ["0.0.0.0 80", ":: 80"],
  );
  assert.deepEqual([...held], ["0.0.0.0 80/tcp", ":: 80/tcp"]);
});

test("a port of another container is refused in Docker's words, and nothing stays held", async () => {
  const { publisher, held } = openHost();
  await publisher.publish([tcp(80)], TARGET);
  await assert.rejects(publisher.publish([tcp(81), tcp(80)], { ipv4: "172.17.0.3" }), {
    kind: "system",
    message: "Bind for 0.0.0.0:80 failed: port is already allocated",
  });
  assert.deepEqual([...held], ["0.0.0.0 80/tcp"]);
});

test("a port of another process is refused in Docker's words", async () => {
  const { publisher } = openHost({ foreign: [80] });
  await assert.rejects(publisher.publish([tcp(80)], TARGET), {
    message: "failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use",
  });
  const again = await publisher.publish([tcp(82)], TARGET);
  assert.equal(again.ports.length, 1);
});

test("one port may be published on two addresses, but not on one of them and all", async () => {
  const { publisher } = openHost();
  await publisher.publish([tcp(80, { hostIp: "127.0.0.1" })], TARGET);
  await publisher.publish([tcp(80, { hostIp: "10.0.0.1" })], TARGET);
  await publisher.publish([tcp(80, { proto: "udp" })], TARGET);
  await assert.rejects(publisher.publish([tcp(80)], TARGET), /0\.0\.0\.0:80 failed: port is already/);
});

test("a range gives its first free port", async () => {
  const { publisher } = openHost({ foreign: [8000] });
  const range = tcp(8000, { hostPortEnd: 8002 });
  const one = await publisher.publish([range], TARGET);
  const two = await publisher.publish([range], TARGET);
  assert.deepEqual([one.ports[0]?.hostPort, two.ports[0]?.hostPort], [8001, 8002]);
  await assert.rejects(publisher.publish([range], TARGET), { message: "all ports are allocated" });
});

test("ephemeral ports are given in turn, even when one is free again", async () => {
  const { publisher } = openHost({ foreign: [32769] });
  const given: (number | undefined)[] = [];
  for (let round = 0; round < 3; round++) {
    const published = await publisher.publish([tcp(0)], TARGET);
    given.push(published.ports[0]?.hostPort);
    published.close();
  }
  assert.deepEqual(given, [32768, 32770, 32768]);
});

test("ports of a network that the host does not see are held one by one, and lead there by its own sockets", async () => {
  const { publisher, held, targets } = openHost();
  const from = {
    connect: () => Promise.reject(new Error("none")),
    datagrams: () => Promise.reject(new Error("none")),
  };
  const target = { ipv4: "10.99.0.2", from };
  const published = await publisher.publish([range(8000, 8099, 80)], target);
  assert.equal(held.size, 100);
  assert.ok(targets.every((one) => one.from === from));
  const { ports } = published;
  published.close();
  assert.equal(held.size, 0);
  assert.equal((await publisher.republish(ports, target)).ports.length, 100);
  assert.equal(held.size, 100);
  await assert.rejects(publisher.publish([tcp(90, { proto: "sctp" })], target), {
    message:
      "--publish 80/sctp on a network of the driver private is not supported by this version of Gantry",
  });
});

test("a long range of an IPv6 address does not lead to a container without IPv6", async () => {
  const { publisher } = openHost();
  await assert.rejects(publisher.publish([range(8000, 8099, 80, { hostIp: "::" })], TARGET), {
    message:
      "--publish [::]:8000-8099:80-179/tcp to a container without IPv6 is not supported by this version of Gantry",
  });
});

test("after a restart a port that a stranger took meanwhile stays booked", async () => {
  const { publisher } = openHost({ foreign: [80] });
  const kept = await publisher.republish(
    [{ proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 80 }],
    TARGET,
  );
  assert.equal(kept.ports.length, 1);
  await assert.rejects(publisher.publish([tcp(80)], TARGET), /port is already allocated/);
});

test("ports that cannot all be taken up again after a restart are given back", async () => {
  const { publisher, held } = openHost();
  const port = { proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 80 } as const;
  await assert.rejects(publisher.republish([port, port], TARGET), /port is already allocated/);
  assert.deepEqual([...held], []);
});

const range = (first: number, last: number, containerPort = first, more: Partial<PortMapping> = {}) =>
  tcp(first, { containerPort, containerPortEnd: containerPort + last - first, ...more });

test("a short range is so many single ports", async () => {
  const { publisher, held } = openHost();
  const published = await publisher.publish([range(8000, 8002, 80)], TARGET);
  assert.deepEqual(
    published.ports.map(({ hostPort, containerPort }) => `${hostPort}:${containerPort}`),
    ["8000:80", "8001:81", "8002:82"],
  );
  assert.equal(held.size, 3);
});

test("a long range is one port in the book, and no socket", async () => {
  const { publisher, held } = openHost();
  const published = await publisher.publish([range(20_000, 30_000, 10_000)], TARGET);
  assert.deepEqual(published.ports, [
    {
      ...{ proto: "tcp", hostIp: "0.0.0.0" },
      ...{ containerPort: 10_000, containerPortEnd: 20_000, hostPort: 20_000, hostPortEnd: 30_000 },
    },
  ]);
  assert.equal(held.size, 0);
  await assert.rejects(publisher.publish([tcp(25_000)], TARGET), {
    message: "Bind for 0.0.0.0:25000 failed: port is already allocated",
  });
  await assert.rejects(publisher.publish([range(29_999, 31_000)], TARGET), /0\.0\.0\.0:29999 failed/);
  await publisher.publish([range(20_000, 30_000, 10_000, { proto: "udp" })], TARGET);
  published.close();
  await publisher.publish([tcp(25_000)], TARGET);
  await assert.rejects(publisher.publish([range(24_000, 26_000)], TARGET), /0\.0\.0\.0:25000 failed/);
});

test("a port of a long range that a process has is named as bind would have told it", async () => {
  const { publisher } = openHost({ foreign: [20_005] });
  await assert.rejects(publisher.publish([range(20_000, 30_000, 10_000)], TARGET), {
    message: "failed to bind host port for 0.0.0.0:20005:172.17.0.2:10005/tcp: address already in use",
  });
  await publisher.publish([range(20_006, 30_000)], TARGET);
});

test("where no rule sends packets on, each port of a range has its socket", async () => {
  const { publisher, held } = openHost({ carriesAll: true });
  await publisher.publish([range(20_000, 20_099)], TARGET);
  assert.equal(held.size, 100);
});

test("a long range leads from IPv6 to a container that has IPv6, a port to any", async () => {
  const { publisher } = openHost({ hasIpv6: true });
  const addresses = async (mapping: PortMapping, target: { ipv4: string; ipv6?: string }) =>
    (await publisher.publish([mapping], target)).ports.map(({ hostIp }) => hostIp);
  assert.deepEqual(await addresses(range(20_000, 20_099), TARGET), ["0.0.0.0"]);
  assert.deepEqual(await addresses(range(21_000, 21_099), { ...TARGET, ipv6: "fd00::2" }), ["0.0.0.0", "::"]);
  assert.deepEqual(await addresses(tcp(80), TARGET), ["0.0.0.0", "::"]);
});

test("a routed family takes no port of the host", async () => {
  const { publisher, held } = openHost({ hasIpv6: true });
  const target = { ipv4: "172.17.0.2", ipv6: "fd00::2", routed: { ipv4: true, ipv6: false } };
  const { ports } = await publisher.publish([tcp(80)], target);
  assert.deepEqual(
    ports.map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`),
    ["0.0.0.0 0", ":: 80"],
  );
  assert.deepEqual([...held], [":: 80/tcp"]);
  assert.equal((await openHost().publisher.republish(ports, target)).ports.length, 2);
});

test("a port of sctp has no socket, but is looked for", async () => {
  const { publisher, held } = openHost({ foreign: [80] });
  await assert.rejects(
    publisher.publish([tcp(80, { proto: "sctp" })], TARGET),
    /0\.0\.0\.0:80:172\.17\.0\.2:80\/sctp: address already in use/,
  );
  await publisher.publish([tcp(81, { proto: "sctp" })], TARGET);
  assert.equal(held.size, 0);
});
