// The host is no router because of the engine: a daemon in a namespace with two neighbours that it did not forward between before.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { Namespace } from "./namespaces.ts";
import { curl } from "./web-server.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };

/** Serves its host name. */
const httpd = ["-h", "hello", "--stop-signal", "KILL", "busybox", "httpd", "-f", "-h", "/etc"];

/** A neighbour with the address 10.9.N.2, which routes by the engine's 10.9.N.1 on the link "lanN". */
async function neighbour({ netns }: Engine, number: number, undo: AsyncDisposableStack): Promise<Namespace> {
  const other = await Namespace.open();
  undo.defer(() => other.close());
  const name = `lan${number}`;
  await must(["ip", "link", "add", name, "type", "veth", "peer", "name", "up0", "netns", String(other.pid)], {
    netns,
  });
  await must(["ip", "address", "add", `10.9.${number}.1/24`, "dev", name], { netns });
  await must(["ip", "link", "set", name, "up"], { netns });
  await other.run("ip", "address", "add", `10.9.${number}.2/24`, "dev", "up0");
  await other.run("ip", "link", "set", "up0", "up");
  await other.run("ip", "route", "add", "default", "via", `10.9.${number}.1`);
  return other;
}

const reaches = async (from: Namespace, number: number): Promise<boolean> =>
  (await from.run("busybox", "ping", "-c", "1", "-W", "1", `10.9.${number}.2`)).status === 0;

const forwards = async ({ netns }: Engine): Promise<string> =>
  (await must(["sysctl", "-n", "net.ipv4.ip_forward"], { netns })).trim();

/** Without networks. */
const bare = { config: { bridge: "none" } };

/** A new namespace has the machine's own setting. */
const turnOff = ({ netns }: Engine): Promise<string> =>
  must(["sysctl", "-qw", "net.ipv4.ip_forward=0"], { netns });

test(
  "what was no router is none, over restarts; networks and what comes later are forwarded",
  asRoot,
  async () => {
    await using engine = await startEngine(bare);
    await using undo = new AsyncDisposableStack();
    await turnOff(engine);
    const [one] = [await neighbour(engine, 1, undo), await neighbour(engine, 2, undo)];
    assert.equal(await forwards(engine), "0");
    await importBusybox(engine);
    await engine.docker("network", "create", "net");
    assert.equal(await forwards(engine), "1");
    const fromContainer = await engine.tryDocker([
      ...["run", "--rm", "--network", "net", "busybox"],
      ...["ping", "-c", "1", "-w", "20", "10.9.2.2"],
    ]);
    assert.equal(fromContainer.code, 0, fromContainer.stdout);
    assert.equal(await reaches(one, 2), false);
    await engine.kill();
    await engine.restart();
    assert.equal(await reaches(one, 2), false);

    await neighbour(engine, 3, undo);
    await until(() => reaches(one, 3));
    assert.equal(await reaches(one, 3), true, "an interface that came later");

    const tables = await must(["nft", "list", "tables", "ip"], { netns: engine.netns });
    const table = /gantry-\w+/.exec(tables)?.[0] ?? "";
    await must(["nft", "add", "rule", "ip", table, "user", "ip", "saddr", "10.9.1.0/24", "accept"], {
      netns: engine.netns,
    });
    await must(["nft", "add", "rule", "ip", table, "user", "ip", "daddr", "10.9.1.0/24", "accept"], {
      netns: engine.netns,
    });
    await until(() => reaches(one, 2));
    assert.equal(await reaches(one, 2), true, "the administrator's chain decides");
  },
);

test("a bridge of the host that is given to a network is forwarded from", asRoot, async () => {
  await using engine = await startEngine(bare);
  await using undo = new AsyncDisposableStack();
  await turnOff(engine);
  await neighbour(engine, 1, undo);
  await must(["ip", "link", "add", "mine", "type", "bridge"], { netns: engine.netns });
  await importBusybox(engine);
  await engine.docker("network", "create", "first");
  await engine.docker("network", "create", "-o", "com.docker.network.bridge.name=mine", "second");
  const ping = ["ping", "-c", "1", "-w", "20", "10.9.1.2"];
  const told = await engine.tryDocker(["run", "--rm", "--network", "second", "busybox", ...ping]);
  assert.equal(told.code, 0, told.stdout);
});

test("--ip-forward-no-drop makes it a router", asRoot, async () => {
  await using routing = await startEngine({ ...bare, flags: ["--ip-forward-no-drop"] });
  await using undo = new AsyncDisposableStack();
  await turnOff(routing);
  const one = await neighbour(routing, 1, undo);
  await neighbour(routing, 2, undo);
  await routing.docker("network", "create", "net");
  await until(() => reaches(one, 2));
  assert.equal(await reaches(one, 2), true);
});

test("--ip-forward=false leaves forwarding alone", asRoot, async () => {
  await using off = await startEngine({ ...bare, flags: ["--ip-forward=false"] });
  await turnOff(off);
  await off.docker("network", "create", "net");
  assert.equal(await forwards(off), "0");
});

test(
  "--iptables=false makes no rules, takes away those of before, and carries published ports",
  asRoot,
  async () => {
    await using engine = await startEngine();
    await importBusybox(engine);
    const tables = async (): Promise<string> =>
      await must(["nft", "list", "tables"], { netns: engine.netns });
    assert.match(await tables(), /table ip gantry-/);
    const file = join(engine.dir, "daemon.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, iptables: false, ip6tables: false }));
    await engine.restart();
    assert.equal(await tables(), "");
    await engine.docker("run", "-d", "-p", "8080:80", ...httpd);
    const ask = async (address: string): Promise<string> =>
      (await run([...curl(`http://${address}:8080/hostname`)], { netns: engine.netns })).stdout;
    await until(async () => (await ask("127.0.0.1")) === "hello\n");
    assert.equal(await ask("[::1]"), "hello\n");
    assert.equal(await tables(), "");
    const sctp = await engine.tryDocker(["run", "-p", "90:90/sctp", "busybox"]);
    assert.match(sctp.stderr, /--publish 90\/sctp with --iptables=false is not supported/);
  },
);

test(
  "--allow-direct-routing: a neighbour reaches a published port by the container's address",
  asRoot,
  async () => {
    await using engine = await startEngine({ flags: ["--allow-direct-routing"] });
    await using undo = new AsyncDisposableStack();
    await importBusybox(engine);
    const one = await neighbour(engine, 1, undo);
    await engine.docker("run", "-d", "--name", "web", "-p", "8080:80", ...httpd);
    const address = await engine.docker(
      "inspect",
      "-f",
      "{{.NetworkSettings.Networks.bridge.IPAddress}}",
      "web",
    );
    const [program, ...words] = curl(`http://${address}/hostname`);
    await until(async () => (await one.run(program, ...words)).output === "hello\n");
    assert.equal((await one.run(program, ...words)).output, "hello\n");
  },
);

test("default-network-opts are options of networks that name none", asRoot, async () => {
  const mtu = "com.docker.network.driver.mtu";
  await using engine = await startEngine({
    config: {
      "default-network-opts": { bridge: { [mtu]: "1400", "com.docker.network.enable_ipv6": "true" } },
    },
  });
  await importBusybox(engine);
  await engine.docker("network", "create", "plain");
  await engine.docker("network", "create", "-o", `${mtu}=1300`, "--ipv6=false", "own");
  await engine.docker("network", "create", "-d", "private", "den");
  const shown = (name: string): Promise<string> =>
    engine.docker("network", "inspect", "-f", `{{index .Options "${mtu}"}} {{.EnableIPv6}}`, name);
  assert.equal(await shown("plain"), "1400 true");
  assert.equal(await shown("own"), "1300 false");
  assert.equal(await shown("den"), " false");
  assert.equal(await shown("bridge"), "1500 false");
  const inside = ["cat", "/sys/class/net/eth0/mtu"];
  assert.equal(await engine.docker("run", "--rm", "--network", "plain", "busybox", ...inside), "1400");
});
