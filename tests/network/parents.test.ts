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

/** Each makes what it needs, and leaves nothing. */
type Walk = (engine: Engine, host: Host) => Promise<void>;

const onVlans: Walk = async (engine, host) => {
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
};

const withoutParent =
  (driver: "macvlan" | "ipvlan"): Walk =>
  async (engine, host) => {
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
  };

const onIpvlan =
  (mode: string): Walk =>
  async (engine, host) => {
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
    await must(["ip", "address", "replace", `${LAN}.254/24`, "dev", "switch"], { netns: lan.netns });
    // On the third layer nobody answers for the containers: the LAN is told where they are.
    if (mode !== "l2")
      await must(["ip", "route", "replace", `${LAN}.64/28`, "via", `${LAN}.1`], { netns: lan.netns });
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
    await engine.docker("network", "rm", "phys");
  };

const refused: Walk = async (engine) => {
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
};

const walks: readonly (readonly [string, boolean, Walk])[] = [
  ["a VLAN's sub-interface is made, shared, and removed with the last network", has.vlan, onVlans],
  [
    "a macvlan network without a parent leads nowhere, and its containers reach each other",
    has.dummy,
    withoutParent("macvlan"),
  ],
  [
    "an ipvlan network without a parent leads nowhere, and its containers reach each other",
    has.dummy && has.ipvlan,
    withoutParent("ipvlan"),
  ],
  ...["l2", "l3", "l3s"].map(
    (mode) =>
      [
        `containers on an ipvlan network of mode ${mode} share the parent's MAC address`,
        has.ipvlan,
        onIpvlan(mode),
      ] as const,
  ),
  [
    "what the kernel has not is refused with its reason, and leaves nothing",
    isRoot && !has.vlan && !has.dummy && !has.ipvlan,
    refused,
  ],
];

// One engine for all: a start takes seconds in a guest.
test("networks on links of the host", where(isRoot), async (t) => {
  await using engine = await startEngine();
  await using undo = new AsyncDisposableStack();
  const host = await connectHost(engine, undo);
  for (const [title, can, walk] of walks) await t.test(title, where(can), () => walk(engine, host));
});
