// Sandboxes on several networks, which they join and leave while they run.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { EndpointRequest, PortMapping, Sandbox } from "#network/controller.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import { NetworkDaemon } from "./daemon-client.ts";
import { Namespace } from "./namespaces.ts";
import { curl, WebServer } from "./web-server.ts";

const asRoot = { skip: process.getuid?.() !== 0 && "needs root" };

const spec = (name: string, subnet: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ...{ name, driver: "bridge", options: {}, labels: {}, internal: false, attachable: false },
  ...{ enableIpv4: true, enableIpv6: false, configOnly: false, configFrom: "" },
  ipam: { driver: "", options: null, config: [{ subnet, auxiliary: {} }] },
  ...more,
});

const on = (network: string, more: Partial<EndpointRequest> = {}): EndpointRequest => ({
  network,
  endpointId: Buffer.from(`${network}${more.endpointName ?? ""}`.repeat(20))
    .toString("hex")
    .slice(0, 64),
  ...more,
});

const port: PortMapping = { proto: "tcp", containerPort: 80, hostIp: "", hostPort: 8080 };

async function openHost(undo: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-net-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const host = await Namespace.open();
  undo.defer(() => host.close());
  const daemon = await NetworkDaemon.start(host, directory);
  undo.defer(() => daemon.end());
  await daemon.ask({ verb: "restore", live: [] });
  for (const [name, subnet] of [
    ["alpha", "10.61.0.0/24"],
    ["beta", "10.62.0.0/24"],
  ] as const)
    await daemon.ask({ verb: "create", spec: spec(name, subnet) });
  const attach = (sandboxId: string, endpoints: readonly EndpointRequest[], ports: PortMapping[] = []) =>
    daemon.ask({ verb: "attach", request: { sandboxId, endpoints, ports } });
  const inside = async ({ path }: Sandbox, ...command: readonly string[]): Promise<string> =>
    (await host.run("nsenter", `--net=${path}`, ...command)).output.trim();
  return { host, directory, daemon, attach, inside };
}

const namesOf = ({ endpoints }: Sandbox): readonly string[] =>
  endpoints.map(({ networkName, interfaceName }) => `${networkName} ${interfaceName}`);

test(
  "interfaces come in the order of the networks' claims, and names that are asked for are kept",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { attach, inside } = await openHost(undo);
    const ifname = { "com.docker.network.endpoint.ifname": "eth0" };
    const plain = await attach("plain", [on("beta"), on("alpha")]);
    assert.deepEqual(namesOf(plain), ["alpha eth0", "beta eth1"]);
    const weighed = await attach("weighed", [
      on("alpha", { endpointName: "w", driverOptions: ifname }),
      on("beta", { endpointName: "w", gatewayPriority: 1 }),
    ]);
    assert.deepEqual(namesOf(weighed), ["beta eth1", "alpha eth0"]);
    assert.match(await inside(weighed, "ip", "route"), /^default via 10\.62\.0\.1 dev eth1/);
  },
);

test("a sandbox leaves all its networks and joins again; what it publishes goes along", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { host, daemon, attach, inside } = await openHost(undo);
  const web = await attach("web", [on("beta")], [port]);
  await using _server = await WebServer.open(web.path, "web");
  const answers = async (): Promise<boolean> =>
    (await host.run(...curl("http://127.0.0.1:8080/"))).output === "web";
  assert.ok(await answers());
  const both = await daemon.ask({ verb: "connect", sandboxId: "web", endpoint: on("alpha") });
  assert.deepEqual(
    both.endpoints.map(({ networkName, ports }) => [networkName, ports.length > 0]),
    [
      ["alpha", true],
      ["beta", false],
    ],
  );
  assert.match(await inside(web, "ip", "route"), /^default via 10\.61\.0\.1 dev eth1/);
  assert.ok(await answers());
  for (const { networkId } of both.endpoints)
    await daemon.ask({ verb: "disconnect", sandboxId: "web", networkId });
  assert.equal(await inside(web, "ip", "route"), "");
  assert.ok(!(await answers()));
  const again = await daemon.ask({ verb: "connect", sandboxId: "web", endpoint: on("beta") });
  assert.deepEqual(namesOf(again), ["beta eth0"]);
  assert.match(await inside(web, "ip", "route"), /^default via 10\.62\.0\.1 dev eth0/);
  assert.ok(await answers());
});

test("a connection that fails leaves the sandbox as it was, with what it publishes", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { host, daemon, attach, inside } = await openHost(undo);
  const web = await attach("web", [on("beta")], [port]);
  await using _server = await WebServer.open(web.path, "web");
  const before = { rules: await host.rules(), links: await inside(web, "ip", "-o", "addr") };
  const driverOptions = { "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.nosuch=1" };
  const endpoint = on("alpha", { driverOptions });
  await assert.rejects(daemon.ask({ verb: "connect", sandboxId: "web", endpoint }), /nosuch/);
  assert.deepEqual({ rules: await host.rules(), links: await inside(web, "ip", "-o", "addr") }, before);
  assert.equal((await host.run(...curl("http://127.0.0.1:8080/"))).output, "web");
  await daemon.ask({ verb: "remove", network: "alpha" });
});

test("a network that is used stays, and what is refused makes nothing", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { host, daemon, attach } = await openHost(undo);
  await attach("one", [on("alpha", { endpointName: "first" })]);
  await assert.rejects(
    daemon.ask({ verb: "remove", network: "alpha" }),
    /^Error: network alpha has active endpoints \(name:"first" id:"[0-9a-f]{12}"\)$/,
  );
  const before = { links: await host.links(), rules: await host.rules() };
  for (const [refused, message] of [
    [spec("alpha", "10.63.0.0/24"), /network with name alpha already exists/],
    [spec("gamma", "10.61.0.0/25"), /Pool overlaps with other one on this address space/],
    [
      spec("gamma", "10.63.0.0/24", { options: { "com.docker.network.bridge.name": "docker0" } }),
      /conflicts with network .*: networks have same bridge name/,
    ],
    [
      spec("gamma", "10.63.0.0/24", { options: { "com.docker.network.bridge.enable_icc": "x" } }),
      /failed to parse com\.docker\.network\.bridge\.enable_icc value: x \(strconv\.ParseBool: parsing "x": invalid syntax\)/,
    ],
    [spec("gamma", "10.63.0.0/24", { driver: "nosuch" }), /plugin "nosuch" not found/],
    [spec("gamma", "10.63.0.0/24", { configFrom: "alpha" }), /configuration network "alpha" does not exist/],
  ] as const)
    await assert.rejects(daemon.ask({ verb: "create", spec: refused }), message);
  assert.deepEqual({ links: await host.links(), rules: await host.rules() }, before);
  const { id } = await daemon.ask({ verb: "create", spec: spec("gamma", "10.61.1.0/24") });
  assert.ok((await host.links()).includes(`br-${id.slice(0, 12)}`));
});

test(
  "a network that cannot be restored lets nobody in and can be removed; it is whole when the reason is gone",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { host, directory, daemon } = await openHost(undo);
    const restart = async (before: NetworkDaemon): Promise<NetworkDaemon> => {
      await before.kill();
      const next = await NetworkDaemon.start(host, directory);
      undo.defer(() => next.end());
      await next.ask({ verb: "restore", live: [] });
      return next;
    };
    for (const [network, subnet] of [
      ["odd0", "10.64.0.0/24"],
      ["odd1", "10.65.0.0/24"],
    ] as const) {
      const options = { "com.docker.network.bridge.name": network };
      await daemon.ask({ verb: "create", spec: spec(network, subnet, { options }) });
      await host.run("ip", "link", "delete", network);
    }
    await host.run("ip", "link", "add", "odd0", "type", "veth", "peer", "name", "odd1");
    const second = await restart(daemon);
    const request = { sandboxId: "s", endpoints: [on("odd0")], ports: [] };
    await assert.rejects(
      second.ask({ verb: "attach", request }),
      /network odd0 could not be restored: existing interface odd0 is not a bridge/,
    );
    await second.ask({ verb: "remove", network: "odd1" });
    assert.ok((await host.links()).includes("odd1"), "somebody else's");
    await host.run("ip", "link", "delete", "odd0");
    const third = await restart(second);
    const { endpoints } = await third.ask({ verb: "attach", request });
    assert.equal(endpoints[0]?.ipv4, "10.64.0.2");
  },
);
