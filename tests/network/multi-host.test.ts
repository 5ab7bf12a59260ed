// Several engines on this machine, each in a network namespace of its own, with a switch between them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { buildForger } from "./build-forger.ts";
import { connectEngines, LAN, type Lan } from "./lan.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };

interface Hosts extends AsyncDisposable {
  readonly one: Engine;
  readonly two: Engine;
  readonly lan: Lan;
}

async function openHosts(): Promise<Hosts> {
  await using undo = new AsyncDisposableStack();
  const start = async (): Promise<Engine> => undo.use(await startEngine());
  const [one, two] = [await start(), await start()];
  await Promise.all([importBusybox(one), importBusybox(two)]);
  const lan = await connectEngines([one, two], undo);
  const all = undo.move();
  return { one, two, lan, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A web server that says who asks: REMOTE_ADDR of a program of the server. */
const server =
  'mkdir -p /www/cgi-bin; printf "#!/bin/sh\\necho; echo $REMOTE_ADDR" >/www/cgi-bin/who; chmod 755 /www/cgi-bin/who; echo ready >/www/ready; exec httpd -f -p 0.0.0.0:80 -h /www';
const start = (engine: Engine, ...words: readonly string[]) =>
  engine.docker("run", "-d", ...words, "busybox", "sh", "-c", server.replace("$REMOTE", "\\$REMOTE"));

/** What a container hears from a web server; "" for nothing. */
async function ask(engine: Engine, container: string, address: string): Promise<string> {
  const words = ["exec", container, "timeout", "2", "wget", "-qO-", `http://${address}/cgi-bin/who`];
  return (await engine.tryDocker(words)).stdout.trim();
}

const heard = (engine: Engine, container: string, address: string, answer: string) =>
  until(async () => (await ask(engine, container, address)) === answer);

const overlay = (engine: Engine, range: string, ...more: readonly string[]) =>
  engine.docker(
    ...["network", "create", "-d", "overlay", "--subnet", "10.77.0.0/24", "--ip-range", range],
    ...["-o", `com.gantry.overlay.peers=${LAN}.1,${LAN}.2`, ...more, "span"],
  );

test(
  "containers of two engines are on one overlay network, through restarts of a daemon and a cut between them",
  asRoot,
  async () => {
    await using hosts = await openHosts();
    const { one, two, lan } = hosts;
    const id = ["-o", "com.docker.network.driver.overlay.vxlanid_list=77"];
    await overlay(one, "10.77.0.0/26", ...id);
    await overlay(two, "10.77.0.64/26", ...id);
    await start(one, "--name", "web", "--network", "span");
    await start(two, "--name", "guest", "--network", "span");
    await start(two, "--name", "other", "--network", "span");

    await heard(two, "guest", "10.77.0.1", "10.77.0.64");
    assert.equal(
      await ask(two, "guest", "10.77.0.1"),
      "10.77.0.64",
      "with its own address, across the engines",
    );
    assert.equal(await ask(two, "guest", "10.77.0.65"), "10.77.0.64", "a neighbour on the same engine");
    assert.match(await two.docker("exec", "guest", "cat", "/sys/class/net/eth0/mtu"), /^1450$/);
    const large = await two.tryDocker([
      "exec",
      "guest",
      "ping",
      "-c",
      "1",
      "-W",
      "5",
      "-s",
      "1422",
      "10.77.0.1",
    ]);
    assert.equal(large.code, 0, "a packet of the whole size gets through");
    const routes = await must(["ip", "route"], { netns: one.netns });
    assert.doesNotMatch(routes, /10\.77/, "the host has no part in it");

    // A container beside the network sends it a frame; the same frame from the host is believed.
    const forger = buildForger(one.dir);
    const place = ["-v", `${forger}:/forger:ro`, "busybox", "/forger"];
    const known = () => one.docker("exec", "web", "cat", "/proc/net/arp");
    assert.match(await known(), /10\.77\.0\.64 /);
    for (const address of [`${LAN}.1`, "172.17.0.1"])
      await one.docker("run", "--rm", ...place, "frame", address, "77", "10.77.0.64");
    assert.doesNotMatch(await known(), /02:00:00:00:00:66/);
    await must([forger, "frame", `${LAN}.1`, "77", "10.77.0.64"], { netns: one.netns });
    await until(async () => (await known()).includes("02:00:00:00:00:66"));
    assert.match(await known(), /02:00:00:00:00:66/);
    const forget = ["ip", "neighbour", "flush", "all"];
    const pid = await one.docker("inspect", "-f", "{{.State.Pid}}", "web");
    await must(["nsenter", `--net=/proc/${pid}/ns/net`, ...forget]);

    await lan.setCable(0, "down");
    assert.equal(await ask(two, "guest", "10.77.0.1"), "");
    assert.equal(await ask(two, "guest", "10.77.0.65"), "10.77.0.64", "the rest of the network goes on");
    await lan.setCable(0, "up");
    await heard(two, "guest", "10.77.0.1", "10.77.0.64");

    // The packets of one direction are lost.
    const lose = "add table ip lost; add chain ip lost in { type filter hook input priority 0; }";
    await must(["nft", `${lose}; add rule ip lost in udp dport 4789 drop`], { netns: one.netns });
    assert.equal(await ask(two, "guest", "10.77.0.1"), "");
    assert.equal(await ask(two, "guest", "10.77.0.65"), "10.77.0.64");
    await must(["nft", "delete", "table", "ip", "lost"], { netns: one.netns });
    await heard(two, "guest", "10.77.0.1", "10.77.0.64");

    await one.kill();
    await one.restart();
    assert.equal(await ask(two, "guest", "10.77.0.1"), "10.77.0.64");
    await start(one, "--name", "later", "--network", "span");
    await heard(two, "guest", "10.77.0.2", "10.77.0.64");
    for (const [engine, names] of [
      [one, ["web", "later"]],
      [two, ["guest", "other"]],
    ] as const) {
      await engine.docker("rm", "-f", ...names);
      await engine.docker("network", "rm", "span");
    }
  },
);

test(
  "an overlay network that was removed can be made again at once; what it cannot be is refused",
  asRoot,
  async () => {
    await using engine = await startEngine();
    const create = (...more: readonly string[]) =>
      engine.tryDocker(["network", "create", "-d", "overlay", ...more, "span"]);
    const peers = ["-o", "com.gantry.overlay.peers=192.168.50.1"];
    const errorOf = async (...more: readonly string[]) => (await create(...more)).stderr;
    assert.match(await errorOf(), /This node is not a swarm manager\. Use "docker swarm init"/);
    assert.match(await errorOf(...peers), /needs --subnet, the same on all of its engines/);
    assert.match(
      await errorOf(...peers, "--subnet", "10.77.0.0/24", "-o", "encrypted"),
      /-o encrypted is not supported/,
    );
    assert.match(
      await errorOf("-o", "com.gantry.overlay.peers=10.0.0.1,x", "--subnet", "10.77.0.0/24"),
      /invalid IP address: x/,
    );
    for (let round = 0; round < 3; round++) {
      assert.equal(await errorOf(...peers, "--subnet", "10.77.0.0/24"), "");
      await engine.docker("network", "rm", "span");
    }
  },
);

test("containers on macvlan networks are machines of the LAN", asRoot, async () => {
  await using hosts = await openHosts();
  const { one, two, lan } = hosts;
  const create = (engine: Engine, range: string, ...more: readonly string[]) =>
    engine.docker(
      ...["network", "create", "-d", "macvlan", "--subnet", `${LAN}.0/24`, "--ip-range", range],
      ...["--gateway", `${LAN}.254`, "-o", "parent=lan0", ...more],
    );
  await create(one, `${LAN}.64/28`, "phys");
  await create(two, `${LAN}.80/28`, "phys");
  await start(one, "--name", "web", "--network", "phys");
  await start(two, "--name", "guest", "--network", "phys", "--mac-address", "02:00:00:00:00:09");
  await start(two, "--name", "other", "--network", "phys");

  await heard(two, "guest", `${LAN}.64`, `${LAN}.80`);
  assert.equal(await ask(two, "guest", `${LAN}.64`), `${LAN}.80`, "with its own address");
  assert.equal(await ask(two, "guest", `${LAN}.81`), `${LAN}.80`, "a neighbour on the same parent");
  assert.match(await two.docker("exec", "guest", "ip", "link", "show", "eth0"), /02:00:00:00:00:09/);
  assert.match(await two.docker("exec", "guest", "ip", "route"), /default via 192\.168\.50\.254 dev eth0/);
  assert.equal(
    await two.docker("exec", "guest", "cat", "/proc/net/if_inet6"),
    "",
    "no IPv6 without an address: CVE-2024-32473",
  );
  const fromHost = await run(["curl", "-sS", "-m", "1", `http://${LAN}.64/ready`], { netns: one.netns });
  assert.notEqual(fromHost.code, 0, "a parent does not reach its own children");

  await lan.setCable(1, "down");
  assert.equal(await ask(two, "guest", `${LAN}.64`), "");
  await lan.setCable(1, "up");
  await heard(two, "guest", `${LAN}.64`, `${LAN}.80`);

  for (let round = 0; round < 3; round++) {
    const shown = await one.docker(
      "run",
      "--rm",
      "--network",
      "phys",
      "busybox",
      "ip",
      "-4",
      "-o",
      "addr",
      "show",
      "eth0",
    );
    assert.match(shown, /192\.168\.50\.65\/24/, "an address that was given back can be used at once");
  }
  await one.docker("rm", "-f", "web");
  await start(one, "--name", "web", "--network", "phys");
  const mac = await one.docker("exec", "web", "cat", "/sys/class/net/eth0/address");
  const known = () => two.docker("exec", "guest", "cat", "/proc/net/arp");
  await until(async () => (await known()).includes(mac));
  assert.match(await known(), new RegExp(mac), "neighbours are told that the address has another owner");
  await one.docker("rm", "-f", "web");
  await two.docker("rm", "-f", "guest", "other");

  const wide = ["-d", "macvlan", "--ipv4=false", "--ipv6", "--subnet", "fd00:50::/64", "-o", "parent=lan0"];
  for (const engine of [one, two])
    await engine.docker("network", "create", ...wide, "-o", "com.docker.network.driver.mtu=1400", "wide");
  const startWide = (engine: Engine, name: string, address: string) =>
    engine.docker(
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "wide",
      "--ip6",
      address,
      "busybox",
      "sleep",
      "9999",
    );
  await startWide(two, "guest", "fd00:50::9");
  const macs: string[] = [];
  for (let round = 0; round < 2; round++) {
    await startWide(one, "web", "fd00:50::2");
    macs.push(await one.docker("exec", "web", "cat", "/sys/class/net/eth0/address"));
    const seen = () => two.docker("exec", "guest", "ip", "-6", "neigh", "show");
    if (round === 0) await two.docker("exec", "guest", "ping", "-c", "1", "-W", "20", "fd00:50::2");
    await until(async () => (await seen()).includes(macs.at(-1) ?? ""));
    assert.ok((await seen()).includes(macs.at(-1) ?? ""), "neighbours are told by IPv6, too");
    if (round === 1) assert.equal(await one.docker("exec", "web", "cat", "/sys/class/net/eth0/mtu"), "1400");
    await one.docker("rm", "-f", "web");
  }
  assert.notEqual(macs[0], macs[1]);
  await two.docker("rm", "-f", "guest");
  await one.docker("network", "rm", "phys");
  assert.match(await must(["ip", "link", "show", "lan0"], { netns: one.netns }), /lan0/, "the parent stays");
});

test("private, vepa and passthru keep containers of one parent apart", asRoot, async () => {
  await using hosts = await openHosts();
  const { one } = hosts;
  const create = (mode: string, ...more: readonly string[]) =>
    one.tryDocker([
      ...["network", "create", "-d", "macvlan", "--subnet", "10.78.0.0/24", "-o", "parent=lan0"],
      ...["-o", `macvlan_mode=${mode}`, ...more, mode],
    ]);
  for (const mode of ["private", "vepa"]) {
    assert.equal((await create(mode)).stderr, "");
    await start(one, "--name", "web", "--network", mode);
    await start(one, "--name", "other", "--network", mode);
    assert.equal(await ask(one, "other", "10.78.0.1"), "", mode);
    await one.docker("rm", "-f", "web", "other");
    await one.docker("network", "rm", mode);
  }
  assert.equal((await create("passthru")).stderr, "");
  await start(one, "--name", "web", "--network", "passthru");
  const second = await one.tryDocker(["run", "--rm", "--network", "passthru", "busybox", "true"]);
  assert.match(second.stderr, /failed to create the macvlan port: invalid argument/);
  const beside = await one.tryDocker(["network", "create", "-d", "macvlan", "-o", "parent=lan0", "beside"]);
  assert.match(beside.stderr, /is already using parent interface lan0 in mode passthru/);
  await one.docker("rm", "-f", "web");
});

test("a published port shows the server who asks, from another machine", asRoot, async () => {
  await using hosts = await openHosts();
  const { one, two } = hosts;
  await start(one, "--name", "web", "-p", "8080:80");
  const url = `http://${LAN}.1:8080/cgi-bin/who`;
  const askFromOutside = () => run(["curl", "-sS", "-m", "2", url], { netns: two.netns });
  await until(async () => (await askFromOutside()).stdout.trim() !== "");
  assert.equal((await askFromOutside()).stdout.trim(), `${LAN}.2`);
  await one.docker("rm", "-f", "web");
});
