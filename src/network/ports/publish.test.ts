import assert from "node:assert/strict";
import { test } from "node:test";
import type { PortMapping } from "../controller.ts";
import type { PortAddress } from "./held-port.ts";
import { PortPublisher } from "./publish.ts";

const ADDRESS = "172.17.0.2";
const tcp = (hostPort: number, more: Partial<PortMapping> = {}): PortMapping => ({
  proto: "tcp",
  containerPort: 80,
  hostIp: "",
  hostPort,
  ...more,
});

/** A host on which `foreign` ports are taken by other processes. */
function openHost(options: { foreign?: readonly number[]; hasIpv6?: boolean } = {}) {
  const held = new Set<string>();
  const publisher = new PortPublisher({
    hold: async ({ proto, hostIp, hostPort }: PortAddress) => {
      if (options.foreign?.includes(hostPort) === true)
        throw Object.assign(new Error("bind"), { code: "EADDRINUSE" });
      const name = `${hostIp} ${hostPort}/${proto}`;
      held.add(name);
      return { close: () => held.delete(name) };
    },
    ephemeral: { first: 32768, last: 32770 },
    hasIpv6: options.hasIpv6 ?? false,
    defaultHostIp: "0.0.0.0",
  });
  return { publisher, held };
}

test("a port for every address is held in both families where there is IPv6", async () => {
  const { publisher, held } = openHost({ hasIpv6: true });
  const published = await publisher.publish([tcp(80)], ADDRESS);
  assert.deepEqual(
    published.ports.map((port) => `${port.hostIp} ${port.hostPort}`),
    ["0.0.0.0 80", ":: 80"],
  );
  assert.deepEqual([...held], ["0.0.0.0 80/tcp", ":: 80/tcp"]);
});

test("a port of another container is refused in Docker's words, and nothing stays held", async () => {
  const { publisher, held } = openHost();
  await publisher.publish([tcp(80)], ADDRESS);
  await assert.rejects(publisher.publish([tcp(81), tcp(80)], "172.17.0.3"), {
    kind: "system",
    message: "Bind for 0.0.0.0:80 failed: port is already allocated",
  });
  assert.deepEqual([...held], ["0.0.0.0 80/tcp"]);
});

test("a port of another process is refused in Docker's words", async () => {
  const { publisher } = openHost({ foreign: [80] });
  await assert.rejects(publisher.publish([tcp(80)], ADDRESS), {
    message: "failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use",
  });
  const again = await publisher.publish([tcp(82)], ADDRESS);
  assert.equal(again.ports.length, 1);
});

test("one port may be published on two addresses, but not on one of them and all", async () => {
  const { publisher } = openHost();
  await publisher.publish([tcp(80, { hostIp: "127.0.0.1" })], ADDRESS);
  await publisher.publish([tcp(80, { hostIp: "10.0.0.1" })], ADDRESS);
  await publisher.publish([tcp(80, { proto: "udp" })], ADDRESS);
  await assert.rejects(publisher.publish([tcp(80)], ADDRESS), /0\.0\.0\.0:80 failed: port is already/);
});

test("a range gives its first free port", async () => {
  const { publisher } = openHost({ foreign: [8000] });
  const range = tcp(8000, { hostPortEnd: 8002 });
  const one = await publisher.publish([range], ADDRESS);
  const two = await publisher.publish([range], ADDRESS);
  assert.deepEqual([one.ports[0]?.hostPort, two.ports[0]?.hostPort], [8001, 8002]);
  await assert.rejects(publisher.publish([range], ADDRESS), { message: "all ports are allocated" });
});

test("ephemeral ports are given in turn, even when one is free again", async () => {
  const { publisher } = openHost({ foreign: [32769] });
  const given: (number | undefined)[] = [];
  for (let round = 0; round < 3; round++) {
    const published = await publisher.publish([tcp(0)], ADDRESS);
    given.push(published.ports[0]?.hostPort);
    published.close();
  }
  assert.deepEqual(given, [32768, 32770, 32768]);
});

test("after a restart a port that a stranger took meanwhile stays booked", async () => {
  const { publisher } = openHost({ foreign: [80] });
  const kept = await publisher.republish(
    [{ proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 80 }],
    ADDRESS,
  );
  assert.equal(kept.ports.length, 1);
  await assert.rejects(publisher.publish([tcp(80)], ADDRESS), /port is already allocated/);
});

test("ports that cannot all be taken up again after a restart are given back", async () => {
  const { publisher, held } = openHost();
  const port = { proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 80 } as const;
  await assert.rejects(publisher.republish([port, port], ADDRESS), /port is already allocated/);
  assert.deepEqual([...held], []);
});
