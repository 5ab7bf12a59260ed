// Puts the network controller of one engine together.

import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Family } from "#formats/ip-prefix.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { SocketSource } from "#kernel/zygote/passed-sockets.ts";
import { Attachments } from "./attachments.ts";
import { freshNamespacePlan, readSurvey, routesPlan, surveyPlan } from "./bridge-survey.ts";
import { BridgeDriver } from "./drivers/bridge-driver.ts";
import type { NetworkDriver } from "./drivers/driver.ts";
import { ipvlan } from "./drivers/ipvlan.ts";
import { macvlan } from "./drivers/macvlan.ts";
import { OverlayDriver } from "./drivers/overlay.ts";
import { ParentedDriver } from "./drivers/parented-driver.ts";
import { plainDriver } from "./drivers/plain-driver.ts";
import { PrivateDriver } from "./drivers/private-driver.ts";
import { Firewall } from "./firewall/firewall.ts";
import { Forwarding, type ForwardingSettings } from "./forwarding.ts";
import { DefaultIpam } from "./ipam/default-ipam.ts";
import { choosePools, type PoolSetting } from "./ipam/default-pools.ts";
import { reservedSubnets } from "./ipam/host-subnets.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { nullIpam } from "./ipam/null-ipam.ts";
import type { Reserved } from "./ipam/subnet-space.ts";
import { LocalNetworkController } from "./local-controller.ts";
import { NetworkRegistry } from "./network-registry.ts";
import { NetworkStore } from "./network-store.ts";
import { pluginPatience } from "./plugin-calls.ts";
import type { Plugins } from "./plugins.ts";
import { findSocketBy } from "./ports/find-socket.ts";
import { holdPort } from "./ports/held-port.ts";
import { PortPublisher, type PortRange } from "./ports/publish.ts";
import { type PredefinedSettings, predefinedNetworks } from "./predefined-networks.ts";
import { RemotePlugins } from "./remote-plugins.ts";

export interface OpenNetworksDeps {
  readonly executor: Executor;
  /** Makes the sockets of resolvers. */
  readonly sockets: SocketSource;
  readonly plugins: Plugins;
  readonly warn: (message: string) => void;
}

export interface OpenNetworksSettings extends PredefinedSettings {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Subnets of networks that name none are cut from these; with none, from Docker's. */
  readonly addressPools: readonly PoolSetting[];
  /** Packets to published ports pass the host's own rules for INPUT (--firewall-respect-host). */
  readonly respectsHost?: boolean;
  /** Families that get rules (--iptables, --ip6tables); both unless it says otherwise. */
  readonly makesRules?: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** Turned on, and what was no router stays none, unless it says otherwise. */
  readonly forwarding?: ForwardingSettings;
  /** --allow-direct-routing */
  readonly allowsDirect?: boolean;
}

/** What a network gets that does not say. */
const DEFAULT_MTU = 1500;

/** The process must be in the host's network namespace: published ports are sockets of this process. */
export const openNetworks = async (
  deps: OpenNetworksDeps,
  settings: OpenNetworksSettings,
  signal: AbortSignal,
): Promise<LocalNetworkController> =>
  await openController({ ...deps, ports: await openPorts(deps.executor, settings) }, settings, signal);

export async function openController(
  deps: OpenNetworksDeps & { readonly ports: PortPublisher },
  settings: OpenNetworksSettings,
  signal: AbortSignal,
): Promise<LocalNetworkController> {
  const { executor } = deps;
  await mkdir(join(settings.execRoot, "netns"), { recursive: true, mode: 0o755 });
  const attachments = new Attachments();
  const rules = openFirewall(deps, settings, attachments);
  using undo = new DisposableStack();
  const store = NetworkStore.open(settings.dataRoot, undo);
  const forwarding = new Forwarding(
    { executor, rules },
    join(settings.execRoot, "forwarding.json"),
    settings.forwarding ?? { turnsOn: true, keepsApart: true },
  );
  await forwarding.restore();
  const allowsDirect = settings.allowsDirect === true;
  const bridges = new BridgeDriver({ executor, rules, forwarding, allowsDirect }, DEFAULT_MTU);
  const drivers = new Map<string, NetworkDriver>([
    ["bridge", bridges],
    ["macvlan", new ParentedDriver(executor, macvlan)],
    ["ipvlan", new ParentedDriver(executor, ipvlan)],
    ["overlay", new OverlayDriver({ executor, rules, execRoot: settings.execRoot }, settings.mtu)],
    ["host", plainDriver("host")],
    ["null", plainDriver("null")],
    ["private", new PrivateDriver({ ...deps, execRoot: settings.execRoot }, DEFAULT_MTU)],
  ]);
  const reserved = reservedBy(executor);
  const identities = store.identify(["bridge", "host", "none"]);
  // The engine's IPv6 networks follow from it.
  const machine = identities.get("bridge")?.id ?? "";
  const ipam = new Map<string, IpamDriver>([
    ["default", new DefaultIpam({ pools: choosePools(settings.addressPools, machine), reserved })],
    ["null", nullIpam],
  ]);
  const journals = { journal: store.endpoints, given: store.addresses };
  const remotes = new RemotePlugins({ ...deps, ...journals, reserved, patience: pluginPatience });
  const registry = new NetworkRegistry({
    ...{ ...deps, store, drivers, ipam },
    ...{ remoteDriver: remotes.driver, remoteIpam: remotes.ipam, background: remotes.background },
  });
  await registry.load();
  const survey = readSurvey(await executor.run(surveyPlan, signal));
  for (const spec of predefinedNetworks(settings, survey)) {
    const identity = identities.get(spec.name);
    if (identity !== undefined) await registry.addPredefined(spec, identity);
  }
  const fresh = readSurvey(await executor.run(freshNamespacePlan, signal));
  const firstIndex = Math.max(...fresh.links.map(({ index }) => index)) + 1;
  undo.move();
  return new LocalNetworkController({
    ...deps,
    ...{ store, registry, remotes, rules, attachments, forwarding, firstIndex },
    execRoot: settings.execRoot,
  });
}

function openFirewall(
  deps: OpenNetworksDeps,
  { makesRules, respectsHost, dataRoot }: OpenNetworksSettings,
  attachments: Attachments,
): Firewall {
  const manages = {
    ipv4: makesRules?.ipv4 !== false,
    ipv6: makesRules?.ipv6 !== false && existsSync("/proc/net/if_inet6"),
  };
  const publications = () => attachments.publications();
  return new Firewall({ ...deps, publications, manages, respectsHost: respectsHost === true }, dataRoot);
}

/** What the host has when it is asked for. */
const reservedBy =
  (executor: Executor) =>
  async (family: Family): Promise<Reserved> => {
    const { routes } = readSurvey(await executor.run(routesPlan, new AbortController().signal));
    return reservedSubnets(family, routes, readNameservers());
  };

function readNameservers(): readonly string[] {
  try {
    const text = readFileSync("/etc/resolv.conf", "utf8");
    return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);
  } catch {
    return [];
  }
}

async function openPorts(executor: Executor, settings: OpenNetworksSettings): Promise<PortPublisher> {
  const hasIpv6 = await canListenOnIpv6();
  return new PortPublisher({
    hold: holdPort,
    findSocket: findSocketBy(executor),
    carriesAll: carriedBecauseOf(settings, hasIpv6),
    ephemeral: readEphemeralPorts(),
    hasIpv6,
    defaultHostIp: "0.0.0.0",
  });
}

function carriedBecauseOf(
  { respectsHost, makesRules = { ipv4: true, ipv6: true } }: OpenNetworksSettings,
  hasIpv6: boolean,
): string {
  if (respectsHost === true) return "--firewall-respect-host";
  if (!makesRules.ipv4) return "--iptables=false";
  return hasIpv6 && !makesRules.ipv6 ? "--ip6tables=false" : "";
}

function readEphemeralPorts(): PortRange {
  const text = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const [first = 32768, last = 60999] = text.trim().split(/\s+/).map(Number);
  return { first, last };
}

/** As Docker tells: whether ::1 can be listened on. */
async function canListenOnIpv6(): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", () => resolve(false));
  server.listen({ host: "::1", port: 0, exclusive: true }, () => resolve(true));
  const able = await promise;
  server.close();
  return able;
}
