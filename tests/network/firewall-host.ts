// A host with the engine's firewall on it, bridges and containers that are made by hand, and a neighbour on its LAN: for tests of the rules alone.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor } from "#kernel/plan/executor.ts";
import { connectExecutor } from "#kernel/zygote/connect.ts";
import { nativeProgram } from "#main/native-program.ts";
import type { BoundPort } from "#network/controller.ts";
import { Firewall } from "#network/firewall/firewall.ts";
import type { FirewallNetwork } from "#network/firewall/firewall-network.ts";
import type { Publication } from "#network/firewall/published.ts";
import { planRules } from "#network/sandbox-plan.ts";
import { connectLan, Namespace } from "./namespaces.ts";

const { signal } = new AbortController();

/** An executor whose processes are in the namespace. */
async function openExecutor(undo: AsyncDisposableStack, { path }: Namespace): Promise<Executor> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-firewall-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const socket = join(directory, "zygote.sock");
  const args = [`--net=${path}`, nativeProgram(), "zygote", socket];
  const zygote = spawn("/usr/bin/nsenter", args, {
    cwd: directory,
    stdio: ["pipe", "pipe", "inherit"],
    env: {},
  });
  undo.defer(async () => {
    const ended = once(zygote, "exit");
    zygote.stdin.destroy();
    await ended;
  });
  await once(zygote.stdout, "data");
  return connectExecutor(socket);
}

export interface Published extends Partial<BoundPort> {
  readonly container: string;
  readonly network?: string;
}

export class FirewallHost {
  readonly host: Namespace;
  readonly lan: Namespace;
  readonly executor: Executor;
  readonly firewall: Firewall;
  readonly #undo: AsyncDisposableStack;
  #published: readonly Publication[] = [];

  private constructor(undo: AsyncDisposableStack, parts: Pick<FirewallHost, "host" | "lan" | "executor">) {
    this.#undo = undo;
    this.host = parts.host;
    this.lan = parts.lan;
    this.executor = parts.executor;
    this.firewall = new Firewall(
      {
        executor: parts.executor,
        warn: (message) => console.error(message),
        publications: () => this.#published,
        manages: { ipv4: true, ipv6: true },
        respectsHost: false,
      },
      "/of/a/test",
    );
  }

  /** 192.168.77.1 and fd77::1, its neighbour .2 and ::2, which routes by it. Forwarding is on. */
  static async open(undo: AsyncDisposableStack): Promise<FirewallHost> {
    const open = async (): Promise<Namespace> => {
      const namespace = await Namespace.open();
      undo.defer(() => namespace.close());
      return namespace;
    };
    const [host, lan] = [await open(), await open()];
    await connectLan(host, lan);
    await host.run("ip", "address", "add", "fd77::1/64", "dev", "lan0", "nodad");
    await lan.run("ip", "address", "add", "fd77::2/64", "dev", "lan0", "nodad");
    await lan.run("ip", "route", "add", "fd00::/16", "via", "fd77::1");
    await host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    const executor = await openExecutor(undo, host);
    const opened = new FirewallHost(undo, { host, lan, executor });
    undo.use(opened.firewall);
    await opened.firewall.repair();
    return opened;
  }

  /** A bridge with its network: 172.N.0.1/16, fd00:N::1/64. */
  async network(id: string, number: number, more: Partial<FirewallNetwork> = {}): Promise<void> {
    const bridge = `br-${id}`;
    await this.host.run("ip", "link", "add", bridge, "type", "bridge");
    await this.host.run("ip", "address", "add", `172.${number}.0.1/16`, "dev", bridge);
    await this.host.run("ip", "address", "add", `fd00:${number}::1/64`, "dev", bridge, "nodad");
    await this.host.run("ip", "link", "set", bridge, "up");
    await this.host.run("sysctl", "-qw", `net.ipv4.conf.${bridge}.route_localnet=1`);
    await this.firewall.addNetwork({
      ...{ id, bridge, internal: false, icc: true, masquerade: true },
      subnets: [`172.${number}.0.0/16`, `fd00:${number}::/64`],
      gatewayMode: { ipv4: "nat", ipv6: "nat" },
      hostAddress: {},
      trustedInterfaces: [],
      direct: false,
      ...more,
    });
  }

  /** 172.N.0.HOST and fd00:N::HOST on the network's bridge. */
  async container(id: string, number: number, address: number): Promise<Namespace> {
    const inside = await Namespace.open();
    this.#undo.defer(() => inside.close());
    const name = `v${number}-${address}`;
    const peer = ["type", "veth", "peer", "name", "eth0", "netns", String(inside.pid)];
    await this.host.run("ip", "link", "add", name, "master", `br-${id}`, "up", ...peer);
    await this.host.run("ip", "link", "set", name, "type", "bridge_slave", "hairpin", "on");
    await inside.run("ip", "address", "add", `172.${number}.0.${address}/16`, "dev", "eth0");
    await inside.run("ip", "address", "add", `fd00:${number}::${address}/64`, "dev", "eth0", "nodad");
    await inside.run("ip", "link", "set", "eth0", "up");
    await inside.run("ip", "route", "add", "default", "via", `172.${number}.0.1`);
    await inside.run("ip", "route", "add", "default", "via", `fd00:${number}::1`);
    return inside;
  }

  /** Published together with what was before. Port 80 of tcp on 8080 of every address unless it says otherwise. */
  async publish(...ports: readonly Published[]): Promise<readonly Publication[]> {
    const publications = ports.map(
      ({ container, network, ...port }): Publication => ({
        networkId: network ?? "a",
        containerAddress: container,
        port: { proto: "tcp", hostIp: "0.0.0.0", containerPort: 80, hostPort: 8080, ...port },
      }),
    );
    this.#published = [...this.#published, ...publications];
    await this.executor.run(planRules("ports", this.firewall.planPublish(publications)), signal);
    return publications;
  }

  async unpublish(publications: readonly Publication[]): Promise<void> {
    this.#published = this.#published.filter((other) => !publications.includes(other));
    await this.firewall.unpublish(publications);
  }
}
