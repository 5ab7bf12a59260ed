// Networks on links that the engine makes itself, or that only some kernels have: VLANs, links that lead nowhere, ipvlan.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { connectEngines, LAN, type Lan } from "./lan.ts";

const isRoot = process.getuid?.() === 0;

/** Whether the kernel can make links of a kind. */
async function kernelHas(...words: readonly string[]): Promise<boolean> {
  if (!isRoot) return false;
  const script = `ip link add p0 type veth peer name p1 && ip link add ${words.join(" ")}`;
  return (await run(["unshare", "--net", "sh", "-c", script])).code === 0;
}

const has = {
  vlan: await kernelHas("link", "p0", "name", "t0", "type", "vlan", "id", "10"),
  dummy: await kernelHas("t0", "type", "dummy"),
  ipvlan: await kernelHas("link", "p0", "name", "t0", "type", "ipvlan"),
};
const where = (can: boolean) => ({ skip: can ? false : isRoot ? "not with this kernel" : "needs root" });

interface Host {
  readonly lan: Lan;
  create(name: string, ...more: readonly string[]): Promise<string>;
  start(name: string, network: string): Promise<string>;
  /** Whether a container gets an answer. */
  reaches(container: string, address: string): Promise<boolean>;
}

/** An engine on a LAN. */
async function connectHost(engine: Engine, undo: AsyncDisposableStack): Promise<Host> {
  await importBusybox(engine);
  // The shell ends when it is told to.
  const program = "trap exit TERM; while :; do sleep 1; done";
  return {
    lan: await connectEngines([engine], undo),
    create: (name, ...more) => engine.docker("network", "create", ...more, name),
    start: (name, network) =>
      engine.docker("run", "-d", "--name", name, "--network", network, "busybox", "sh", "-c", program),
    reaches: async (container, address) =>
      (await engine.tryDocker(["exec", container, "ping", "-c", "1", "-W", "2", address])).code === 0,
  };
}

const linkOf = async (engine: Engine, name: string): Promise<string> =>
  (await run(["ip", "-d", "address", "show", name], { netns: engine.netns })).stdout;

test(
  "a macvlan network on a VLAN makes the sub-interface, shares it, and removes it with the last network",
  where(has.vlan),
  async () => {
    await using engine = await startEngine();
    await using undo = new AsyncDisposableStack();
    const host = await connectHost(engine, undo);
    const { lan } = host;
    await must(["ip", "link", "add", "link", "switch", "name", "tagged", "type", "vlan", "id", "10"], {
      netns: lan.netns,
    });
    await must(["ip", "address", "add", "10.10.0.1/24", "dev", "tagged"], { netns: lan.netns });
    await must(["ip", "link", "set", "tagged", "up"], { netns: lan.netns });
    const onVlan = ["-d", "macvlan", "-o", "parent=lan0.10"];
    await host.create("tagged", ...onVlan, "--subnet", "10.10.0.0/24", "--gateway", "10.10.0.1");
    await host.create("beside", ...onVlan, "--subnet", "10.11.0.0/24");
    assert.match(await linkOf(engine, "lan0.10"), /vlan protocol 802\.1Q id 10/);
    assert.doesNotMatch(await linkOf(engine, "lan0.10"), /inet/, "the host has no address on it");
    await host.start("c1", "tagged");
    await until(() => host.reaches("c1", "10.10.0.1"));
    assert.equal(await host.reaches("c1", "10.10.0.1"), true);
    await engine.docker("rm", "-f", "c1");
    await engine.restart();
    await engine.docker("network", "rm", "tagged");
    assert.notEqual(await linkOf(engine, "lan0.10"), "");
    await engine.docker("network", "rm", "beside");
    assert.equal(await linkOf(engine, "lan0.10"), "");
    assert.notEqual(await linkOf(engine, "lan0"), "");
  },
);

for (const driver of ["macvlan", "ipvlan"] as const) {
  const can = has.dummy && (driver === "macvlan" || has.ipvlan);
  test(
    `a ${driver} network without a parent leads nowhere, and its containers reach each other`,
    where(can),
    async () => {
      await using engine = await startEngine();
      await using undo = new AsyncDisposableStack();
      const host = await connectHost(engine, undo);
      const id = await host.create("alone", "-d", driver, "--subnet", "10.12.0.0/24");
      const parent = `${driver === "macvlan" ? "dm" : "di"}-${id.slice(0, 12)}`;
      assert.match(await linkOf(engine, parent), /dummy/);
      await host.start("c1", "alone");
      await host.start("c2", "alone");
      assert.equal(await host.reaches("c1", "10.12.0.2"), true);
      assert.doesNotMatch(await engine.docker("exec", "c1", "ip", "route"), /default/);
      await engine.docker("rm", "-f", "c1", "c2");
      await engine.docker("network", "rm", "alone");
      assert.equal(await linkOf(engine, parent), "");
    },
  );
}

for (const mode of ["l2", "l3", "l3s"])
  test(
    `containers on an ipvlan network of mode ${mode} share the parent's MAC address`,
    where(has.ipvlan),
    async () => {
      await using engine = await startEngine();
      await using undo = new AsyncDisposableStack();
      const host = await connectHost(engine, undo);
      const { lan } = host;
      const gateway = mode === "l2" ? ["--gateway", `${LAN}.254`] : [];
      const subnet = ["--subnet", `${LAN}.0/24`, "--ip-range", `${LAN}.64/28`];
      await host.create(
        "phys",
        "-d",
        "ipvlan",
        "-o",
        "parent=lan0",
        "-o",
        `ipvlan_mode=${mode}`,
        ...subnet,
        ...gateway,
      );
      await must(["ip", "address", "add", `${LAN}.254/24`, "dev", "switch"], { netns: lan.netns });
      // On the third layer nobody answers for the containers: the LAN is told where they are.
      if (mode !== "l2")
        await must(["ip", "route", "add", `${LAN}.64/28`, "via", `${LAN}.1`], { netns: lan.netns });
      await host.start("c1", "phys");
      await host.start("c2", "phys");
      assert.equal(await host.reaches("c1", `${LAN}.65`), true, "a neighbour on the same parent");
      await until(() => host.reaches("c1", `${LAN}.254`));
      assert.equal(await host.reaches("c1", `${LAN}.254`), true, "the LAN");
      const mac = /link\/ether (\S+)/.exec(await linkOf(engine, "lan0"))?.[1] ?? "";
      assert.equal(await engine.docker("exec", "c1", "cat", "/sys/class/net/eth0/address"), mac);
      const expected = mode === "l2" ? /default via 192\.168\.50\.254 dev eth0/ : /default dev eth0/;
      assert.match(await engine.docker("exec", "c1", "ip", "route"), expected);
      await engine.docker("rm", "-f", "c1");
      await host.start("c1", "phys");
      assert.match(await engine.docker("exec", "c1", "ip", "address"), /192\.168\.50\.64/);
      const fixed = [
        "run",
        "--rm",
        "--network",
        "phys",
        "--mac-address",
        "02:00:00:00:00:09",
        "busybox",
        "true",
      ];
      assert.match(
        (await engine.tryDocker(fixed)).stderr,
        /ipvlan interfaces do not support custom mac address/,
      );
      await engine.docker("rm", "-f", "c1", "c2");
    },
  );

test(
  "what the kernel has not is refused with its reason, and leaves nothing",
  where(isRoot && !has.vlan && !has.dummy && !has.ipvlan),
  async () => {
    await using engine = await startEngine();
    await using undo = new AsyncDisposableStack();
    await connectHost(engine, undo);
    const links = async () =>
      (await must(["ip", "-o", "link"], { netns: engine.netns })).match(/^\d+: [^:]+/gm);
    const before = await links();
    const errorOf = async (...words: readonly string[]) =>
      (await engine.tryDocker(["network", "create", "--subnet", "10.12.0.0/24", ...words, "phys"])).stderr;
    assert.match(await errorOf("-d", "macvlan"), /: operation not supported\n/);
    assert.match(await errorOf("-d", "ipvlan"), /: operation not supported\n/);
    assert.match(
      await errorOf("-d", "macvlan", "-o", "parent=lan0.10"),
      /: failed to create lan0\.10 vlan link: operation not supported\n/,
    );
    assert.equal(await errorOf("-d", "ipvlan", "-o", "parent=lan0"), "");
    const started = await engine.tryDocker(["run", "--rm", "--network", "phys", "busybox", "true"]);
    assert.match(started.stderr, /: failed to create the ipvlan port: operation not supported\n/);
    await engine.docker("network", "rm", "phys");
    assert.deepEqual(await links(), before);
  },
);
