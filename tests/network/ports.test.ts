// Published ports as their users see them: the real client, a daemon in a network namespace of its own, a neighbour on its LAN.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { curl } from "./web-server.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };
const gantry = new URL("../../bin/gantry", import.meta.url).pathname;
/** Serves its host name. */
const serving = (port: number) => ["-h", "hello", "busybox", "httpd", "-f", "-h", "/etc", "-p", String(port)];

async function prepare(engine: Engine) {
  await importBusybox(engine);
  /** What is served on a port of the host; "" if nothing is. */
  const ask = async (port: number): Promise<string> => {
    const { stdout } = await run([...curl(`http://127.0.0.1:${port}/hostname`)], { netns: engine.netns });
    return stdout.trim();
  };
  /** The server may not have begun to listen. */
  const serves = (port: number): Promise<void> => until(async () => (await ask(port)) === "hello");
  return { ask, serves };
}

test("ports of a running container come and go, and are what it starts with again", asRoot, async () => {
  await using engine = await startEngine({});
  const { ask, serves } = await prepare(engine);
  const update = (...words: readonly string[]) =>
    run([gantry, "-H", engine.host, "update", ...words], { netns: engine.netns });
  await engine.docker("run", "-d", "--name", "web", "-p", "8080:80", ...serving(80));
  await engine.docker("run", "-d", "--name", "other", "-p", "8090:80", ...serving(80));
  assert.equal(
    (await update("--publish-add", "8081:80", "--publish-rm", "8080:80", "web")).stdout.trim(),
    "web",
  );
  assert.equal(await engine.docker("port", "web"), "80/tcp -> 0.0.0.0:8081\n80/tcp -> [::]:8081");
  await serves(8081);
  assert.equal(await ask(8080), "");
  const refused = await update("--publish-add", "8082:80", "--publish-add", "8090:81", "web");
  assert.match(refused.stderr, /Bind for 0\.0\.0\.0:8090 failed: port is already allocated/);
  const failed = await update("--publish-rm", "80", "--publish-add", "8090:81", "web");
  assert.match(failed.stderr, /port is already allocated/);
  assert.equal(await engine.docker("port", "web"), "80/tcp -> 0.0.0.0:8081\n80/tcp -> [::]:8081");
  assert.equal(await ask(8081), "hello", "a change that failed leaves all as it was");
  const missing = await update("--publish-rm", "81", "web");
  assert.match(missing.stderr, /No public port '81\/tcp' published for web/);
  await engine.docker("restart", "-t", "0", "web");
  await serves(8081);
  await engine.kill();
  await engine.restart();
  await serves(8081);
  assert.equal((await update("--publish-rm", "80", "web")).code, 0);
  assert.equal(await engine.docker("port", "web"), "");
  assert.equal(await ask(8081), "");
});

/** Characters of the container's record and state, which no daemon has open. */
function recordSize({ dir }: Engine, name: string): number {
  using database = new DatabaseSync(join(dir, "root", "engine.db"));
  const sizes = database.prepare(
    "SELECT length(record) + length(state) AS size FROM containers WHERE name = ?",
  );
  return Number(sizes.get(name)?.size);
}

test("a long range is published at once, shown port by port, and kept over restarts", asRoot, async () => {
  await using engine = await startEngine({});
  const { serves } = await prepare(engine);
  const range = "20000-30000:20000-30000";
  await engine.docker("run", "-d", "--name", "far", "-p", range, ...serving(25_000));
  assert.equal((await engine.docker("port", "far")).split("\n").length, 10_001);
  const [told = {}] = JSON.parse(await engine.docker("inspect", "far"));
  const { HostConfig, Config, NetworkSettings } = told;
  assert.equal(Object.keys(Config.ExposedPorts).length, 10_001);
  assert.deepEqual(Config.ExposedPorts["30000/tcp"], {});
  assert.deepEqual(HostConfig.PortBindings["20000/tcp"], [{ HostIp: "", HostPort: "20000" }]);
  assert.deepEqual(HostConfig.PortBindings["30000/tcp"], [{ HostIp: "", HostPort: "30000" }]);
  assert.equal(Object.keys(HostConfig.PortBindings).length, 10_001);
  assert.deepEqual(Object.keys(NetworkSettings.Ports), Object.keys(Config.ExposedPorts).sort());
  assert.equal(await engine.docker("ps", "--format", "{{.Ports}}"), "0.0.0.0:20000-30000->20000-30000/tcp");
  await serves(25_000);
  assert.notEqual(await engine.docker("ps", "-q", "--filter", "publish=25000"), "");
  const taken = await engine.tryDocker(["run", "-p", "25000:80", "busybox"]);
  assert.match(taken.stderr, /Bind for 0\.0\.0\.0:25000 failed: port is already allocated/);
  await engine.kill();
  const size = recordSize(engine, "far");
  assert.ok(size > 0 && size < 10_000, `what is kept of it does not grow with its ports: ${size}`);
  await engine.restart();
  await serves(25_000);
  const again = await engine.tryDocker(["run", "-p", "25000:80", "busybox"]);
  assert.match(again.stderr, /port is already allocated/);
  const six = await engine.tryDocker(["run", "-p", "[::]:1000-1999:1000-1999", "busybox"]);
  assert.match(
    six.stderr,
    /--publish \[::\]:1000-1999:1000-1999\/tcp to a container without IPv6 is not supp/,
  );
  const used = await engine.tryDocker([
    "run",
    "-p",
    "29999-31000:29999-31000/udp",
    "-p",
    "90:90/sctp",
    "busybox",
  ]);
  assert.equal(used.code, 0, used.stderr);
});

test("with --firewall-respect-host INPUT decides who reaches a published port", asRoot, async () => {
  await using engine = await startEngine({ flags: ["--firewall-respect-host"] });
  const { ask, serves } = await prepare(engine);
  await engine.docker("run", "-d", "--name", "web", "-p", "8080:80", ...serving(80));
  await serves(8080);
  const sctp = await engine.tryDocker(["run", "-p", "90:90/sctp", "busybox"]);
  assert.match(sctp.stderr, /--publish 90\/sctp with --firewall-respect-host/);
  const rules = ["-p", "tcp", "--dport", "8080", "-j", "REJECT"];
  assert.equal((await run(["iptables", "-A", "INPUT", ...rules], { netns: engine.netns })).code, 0);
  assert.equal(await ask(8080), "");
});

test("a network with IPv6 is reached in both families, from other hosts, too", asRoot, async () => {
  await using engine = await startEngine({});
  const { serves } = await prepare(engine);
  await engine.docker("network", "create", "--ipv6", "six");
  await engine.docker("run", "-d", "--network", "six", "-p", "8080:80", ...serving(80));
  await serves(8080);
  const gateways = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
  const [, ipv6 = ""] = (await engine.docker("network", "inspect", "-f", gateways, "six")).trim().split(" ");
  for (const address of [ipv6.replace(/\/.*/, ""), "::1"]) {
    const { stdout } = await run([...curl(`http://[${address}]:8080/hostname`)], { netns: engine.netns });
    assert.equal(stdout.trim(), "hello", address);
  }
  const { stdout } = await run(["sysctl", "-n", "net.ipv6.conf.all.forwarding"], { netns: engine.netns });
  assert.equal(stdout.trim(), "1");
});
