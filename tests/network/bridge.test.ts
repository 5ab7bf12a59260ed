// The default bridge as containers and the world around them see it.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Sandbox } from "#network/controller.ts";
import { attachRequest, NetworkDaemon } from "./daemon-client.ts";
import { connectLan, Namespace } from "./namespaces.ts";
import { curl, WebServer } from "./web-server.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: isRoot ? false : "needs root" };

/** A host with an engine's networks, and a neighbour on its LAN. */
async function openHost(undo: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-net-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const host = await Namespace.open();
  undo.defer(() => host.close());
  const lan = await Namespace.open();
  undo.defer(() => lan.close());
  await connectLan(host, lan);
  const daemon = await NetworkDaemon.start(host, directory);
  undo.defer(() => daemon.end());
  await daemon.ask({ verb: "restore", live: [] });
  return { directory, host, lan, daemon };
}

const addressOf = ({ endpoints }: Sandbox): string => endpoints[0]?.ipv4 ?? "";
const inside = ({ path }: Sandbox): readonly [string, string] => ["nsenter", `--net=${path}`];

test("containers get addresses, reach each other, the host and the LAN", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host, lan } = await openHost(undo);
  const [one, two] = [await daemon.attach("one"), await daemon.attach("two")];
  assert.deepEqual([addressOf(one), addressOf(two)], ["172.17.0.2", "172.17.0.3"]);
  assert.equal(one.endpoints[0]?.macAddress, "02:42:ac:11:00:02");
  await using _server = await WebServer.open(one.path, "one");
  await using _outside = await WebServer.open(lan.path, "lan");
  assert.equal((await host.run(...inside(two), ...curl("http://172.17.0.2/"))).output, "one");
  assert.equal((await host.run(...curl("http://172.17.0.2/"))).output, "one");
  assert.equal((await host.run(...inside(two), ...curl("http://192.168.77.2/"))).output, "lan");
  const { output } = await host.run(...inside(two), "cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6");
  assert.equal(output.trim(), "1");
  const accept = ["/proc/sys/net/ipv6/conf/docker0/accept_ra"];
  for (const name of (await host.links()).filter((link) => link.startsWith("veth")))
    accept.push(`/proc/sys/net/ipv6/conf/${name}/accept_ra`);
  assert.equal((await host.run("cat", ...accept)).output, "0\n0\n0\n");
});

test("a published port answers on every address, to everyone", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host, lan } = await openHost(undo);
  const web = await daemon.attach("web", { hostPort: 8080 });
  const other = await daemon.attach("other");
  await using _server = await WebServer.open(web.path, "web");
  for (const address of ["127.0.0.1", "192.168.77.1", "172.17.0.1", "[::1]"])
    assert.equal((await host.run(...curl(`http://${address}:8080/`))).output, "web", address);
  assert.equal((await lan.run(...curl("http://192.168.77.1:8080/"))).output, "web");
  for (const [name, sandbox] of Object.entries({ neighbour: other, itself: web }))
    assert.equal(
      (await host.run(...inside(sandbox), ...curl("http://192.168.77.1:8080/"))).output,
      "web",
      name,
    );
});

test(
  "what is not published cannot be reached from the LAN, not even by the container's address",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { daemon, host, lan } = await openHost(undo);
    const web = await daemon.attach("web", { hostPort: 8080 }, { hostPort: 8081, hostIp: "127.0.0.1" });
    await using _server = await WebServer.open(web.path, "web");
    await using _private = await WebServer.open(web.path, "private", 81);
    assert.equal((await host.run(...curl("http://127.0.0.1:8081/"))).output, "web");
    assert.notEqual((await lan.run(...curl("http://192.168.77.1:8081/"))).status, 0);
    // A neighbour that sends packets for the host's loopback, or for the container itself, by its own routes.
    await lan.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    await lan.run("ip", "route", "add", "172.17.0.0/16", "via", "192.168.77.1");
    await lan.run("ip", "address", "del", "127.0.0.1/8", "dev", "lo");
    await lan.run("ip", "route", "add", "127.0.0.0/8", "via", "192.168.77.1", "src", "192.168.77.2");
    await host.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    assert.notEqual((await lan.run(...curl("http://127.0.0.1:8081/"))).status, 0);
    assert.notEqual((await lan.run(...curl("http://172.17.0.2/"))).status, 0);
    assert.notEqual((await lan.run(...curl("http://172.17.0.2:81/"))).status, 0);
    assert.equal((await lan.run(...curl("http://192.168.77.1:8080/"))).output, "web");
  },
);

test("a container cannot reach the host's loopback", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host } = await openHost(undo);
  const sandbox = await daemon.attach("one");
  await using _server = await WebServer.open(host.path, "host", 99);
  await host.run(...inside(sandbox), "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  await host.run(...inside(sandbox), "ip", "address", "del", "127.0.0.1/8", "dev", "lo");
  await host.run(
    ...inside(sandbox),
    "ip",
    "route",
    "add",
    "127.0.0.0/8",
    "via",
    "172.17.0.1",
    "src",
    "172.17.0.2",
  );
  assert.notEqual((await host.run(...inside(sandbox), ...curl("http://127.0.0.1:99/"))).status, 0);
  assert.equal((await host.run(...curl("http://127.0.0.1:99/"))).output, "host");
});

test("datagrams to a published port reach the container", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host, lan } = await openHost(undo);
  const sandbox = await daemon.attach("udp", { proto: "udp", containerPort: 53, hostPort: 5353 });
  const program = join(import.meta.dirname, "datagrams.ts");
  const server = host.run(...inside(sandbox), process.execPath, program, "serve", "53");
  const ask = (namespace: Namespace, address: string) =>
    namespace.run(process.execPath, program, "ask", "5353", address);
  assert.match((await ask(lan, "192.168.77.1")).output, /got hello/);
  assert.match((await ask(host, "127.0.0.1")).output, /got hello/);
  assert.match((await ask(host, "::1")).output, /got hello/);
  await server;
});

test("a port in use is refused in Docker's words and leaves nothing", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host, directory } = await openHost(undo);
  await daemon.attach("first", { hostPort: 8080 });
  const before = { links: await host.links(), rules: await host.rules() };
  const [{ endpointId } = { endpointId: "" }] = attachRequest("second").endpoints;
  await assert.rejects(daemon.attach("second", { hostPort: 8080 }), {
    message: `driver failed programming external connectivity on endpoint second (${endpointId}): Bind for 0.0.0.0:8080 failed: port is already allocated`,
  });
  await using _server = await WebServer.open(host.path, "host", 8090);
  await assert.rejects(
    daemon.attach("second", { hostPort: 8090 }),
    /failed to bind host port for 0\.0\.0\.0:8090:172\.17\.0\.3:80\/tcp: address already in use$/,
  );
  assert.deepEqual({ links: await host.links(), rules: await host.rules() }, before);
  assert.equal(readdirSync(join(directory, "exec", "netns")).length, 1);
});

test("another process of the host cannot take a published port", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host } = await openHost(undo);
  await daemon.attach("web", { hostPort: 8080 });
  const { output } = await host.run(
    process.execPath,
    "-e",
    'require("node:net").createServer().listen(8080,"127.0.0.1").on("error",(e)=>{console.log(e.code);process.exit()})',
  );
  assert.equal(output.trim(), "EADDRINUSE");
});

test("the network none has loopback only", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host } = await openHost(undo);
  const { sandboxId } = attachRequest("alone");
  const request = { sandboxId, endpoints: [{ network: "none", endpointId: "e" }], ports: [] };
  const sandbox = await daemon.ask({ verb: "attach", request });
  assert.deepEqual(
    sandbox.endpoints.map(({ networkName, ipv4 }) => [networkName, ipv4]),
    [["none", ""]],
  );
  const { output } = await host.run(...inside(sandbox), "ip", "-o", "link");
  assert.match(output, /^1: lo: <LOOPBACK,UP/);
  assert.equal(output.trim().split("\n").length, 1);
});
