// Networks on links that the engine makes itself, or that only some kernels have: VLANs, links that lead nowhere, ipvlan.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importProgram } from "../system/images.ts";
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

/** A container that ends when it is told to. */
const idle = ["/bin/busybox", "sh", "-c", "trap exit TERM; while :; do sleep 1; done"];

interface Subnet {
  readonly Subnet: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
}

/** An engine on a LAN. It is asked without a client, and containers are looked at from outside: to start a program takes long in a guest. */
class Host {
  readonly engine: Engine;
  readonly lan: Lan;
  readonly #namespaces = new Map<string, string>();

  private constructor(engine: Engine, lan: Lan) {
    this.engine = engine;
    this.lan = lan;
  }

  static async open(engine: Engine, undo: AsyncDisposableStack): Promise<Host> {
    const host = new Host(engine, await connectEngines([engine], undo));
    await importProgram(engine, "/bin/busybox", "busybox");
    undo.defer(() => host.remove(...host.#namespaces.keys()));
    return host;
  }

  async ask(method: string, path: string, body?: unknown) {
    using api = openApi(this.engine.socket); // of its own: the daemon starts again in between
    return Object(await api.ask(method, path, body));
  }

  /** The network's id. */
  async create(
    name: string,
    driver: string,
    options: Readonly<Record<string, string>>,
    subnet: Subnet,
  ): Promise<string> {
    const body = { Name: name, Driver: driver, Options: options, IPAM: { Config: [subnet] } };
    return (await this.ask("POST", "/networks/create", body)).Id;
  }

  async drop(network: string): Promise<void> {
    await this.ask("DELETE", `/networks/${network}`);
  }

  /** Starts the container on the network, or connects it if it runs. */
  async join(name: string, network: string): Promise<void> {
    if (this.#namespaces.has(name)) {
      await this.ask("POST", `/networks/${network}/connect`, { Container: name });
      return;
    }
    const body = { Image: "busybox", Cmd: idle, HostConfig: { NetworkMode: network } };
    await this.ask("POST", `/containers/create?name=${name}`, body);
    await this.ask("POST", `/containers/${name}/start`);
    const { State } = await this.ask("GET", `/containers/${name}/json`);
    this.#namespaces.set(name, `/proc/${State.Pid}/ns/net`);
  }

  async leave(name: string, network: string): Promise<void> {
    await this.ask("POST", `/networks/${network}/disconnect`, { Container: name });
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#namespaces.delete(name);
      await this.ask("DELETE", `/containers/${name}?force=1`);
    }
  }

  /** What a command prints in a container's network namespace. */
  inside(name: string, ...command: readonly string[]) {
    return run(["nsenter", `--net=${this.#namespaces.get(name) ?? ""}`, ...command]);
  }

  async ip(name: string, ...words: readonly string[]): Promise<string> {
    return (await this.inside(name, "ip", ...words)).stdout;
  }

  /** Whether a container gets an answer. */
  async reaches(name: string, address: string): Promise<boolean> {
    return (await this.inside(name, "busybox", "ping", "-c", "1", "-W", "2", address)).code === 0;
  }

  /** Of the host itself; "" if it is not there. */
  async linkOf(name: string): Promise<string> {
    return (await run(["ip", "-d", "address", "show", name], { netns: this.engine.netns })).stdout;
  }
}

/** Each makes what it needs, and leaves nothing but containers that run. */
type Walk = (host: Host) => Promise<void>;

const onVlans: Walk = async (host) => {
  const { lan, engine } = host;
  const tag = ["link", "add", "link", "switch", "name", "tagged", "up", "type", "vlan", "id", "10"];
  await must(["ip", ...tag], { netns: lan.netns });
  await must(["ip", "address", "add", "10.10.0.1/24", "dev", "tagged"], { netns: lan.netns });
  const onVlan = { parent: "lan0.10" };
  await host.create("tagged", "macvlan", onVlan, { Subnet: "10.10.0.0/24", Gateway: "10.10.0.1" });
  await host.create("beside", "macvlan", onVlan, { Subnet: "10.11.0.0/24" });
  assert.match(await host.linkOf("lan0.10"), /vlan protocol 802\.1Q id 10/);
  assert.doesNotMatch(await host.linkOf("lan0.10"), /inet/, "the host has no address on it");
  await host.join("c1", "tagged");
  await until(() => host.reaches("c1", "10.10.0.1"));
  assert.equal(await host.reaches("c1", "10.10.0.1"), true);
  await host.remove("c1");
  await engine.restart();
  await host.drop("tagged");
  assert.notEqual(await host.linkOf("lan0.10"), "");
  await host.drop("beside");
  assert.equal(await host.linkOf("lan0.10"), "");
  assert.notEqual(await host.linkOf("lan0"), "");
};

const withoutParent =
  (driver: "macvlan" | "ipvlan"): Walk =>
  async (host) => {
    const options = { "com.docker.network.driver.mtu": "1400" };
    const id = await host.create("alone", driver, options, { Subnet: "10.12.0.0/24" });
    const parent = `${driver === "macvlan" ? "dm" : "di"}-${id.slice(0, 12)}`;
    assert.match(await host.linkOf(parent), /dummy/);
    await host.join("c1", "alone");
    await host.join("c2", "alone");
    assert.equal(await host.reaches("c1", "10.12.0.2"), true);
    assert.doesNotMatch(await host.ip("c1", "route"), /default/);
    assert.match(await host.ip("c1", "link", "show", "eth0"), /mtu 1400/);
    assert.equal(
      await host.ip("c1", "-6", "-o", "address"),
      "",
      "no IPv6 without an address: CVE-2024-32473",
    );
    await host.leave("c1", "alone");
    await host.leave("c2", "alone");
    await host.drop("alone");
    assert.equal(await host.linkOf(parent), "");
  };

const onIpvlan =
  (mode: string): Walk =>
  async (host) => {
    const { lan } = host;
    const options = { parent: "lan0", ipvlan_mode: mode };
    const gateway = mode === "l2" && { Gateway: `${LAN}.254` };
    await host.create("phys", "ipvlan", options, {
      Subnet: `${LAN}.0/24`,
      IPRange: `${LAN}.64/28`,
      ...gateway,
    });
    await must(["ip", "address", "replace", `${LAN}.254/24`, "dev", "switch"], { netns: lan.netns });
    // On the third layer nobody answers for the containers: the LAN is told where they are.
    if (mode !== "l2")
      await must(["ip", "route", "replace", `${LAN}.64/28`, "via", `${LAN}.1`], { netns: lan.netns });
    await host.join("c1", "phys");
    await host.join("c2", "phys");
    assert.equal(await host.reaches("c1", `${LAN}.65`), true, "a neighbour on the same parent");
    await until(() => host.reaches("c1", `${LAN}.254`));
    assert.equal(await host.reaches("c1", `${LAN}.254`), true, "the LAN");
    const macIn = (link: string): string => /link\/ether (\S+)/.exec(link)?.[1] ?? "";
    assert.equal(macIn(await host.ip("c1", "link", "show", "eth0")), macIn(await host.linkOf("lan0")));
    const expected = mode === "l2" ? /default via 192\.168\.50\.254 dev eth0/ : /default dev eth0/;
    assert.match(await host.ip("c1", "route"), expected);
    // An address that was given back can be used at once, by a container that starts and by one that joins.
    if (mode === "l2") await host.remove("c1");
    else await host.leave("c1", "phys");
    await host.join("c1", "phys");
    assert.match(await host.ip("c1", "address"), /192\.168\.50\.64/);
    await host.leave("c1", "phys");
    const fixed = { Container: "c1", EndpointConfig: { MacAddress: "02:00:00:00:00:09" } };
    await assert.rejects(
      host.ask("POST", "/networks/phys/connect", fixed),
      /ipvlan interfaces do not support custom mac address/,
    );
    await host.leave("c2", "phys");
    await host.drop("phys");
  };

const refused: Walk = async ({ engine }) => {
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
  const started = await engine.tryDocker(["run", "--rm", "--network", "phys", "busybox", ...idle]);
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
  const host = await Host.open(engine, undo);
  for (const [title, can, walk] of walks) await t.test(title, where(can), () => walk(host));
});
