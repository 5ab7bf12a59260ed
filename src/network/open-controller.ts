// Puts the network controller of one engine together.

import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { formatPrefix, parsePrefix, subnetOf } from "#formats/ip-prefix.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { SocketSource } from "#kernel/zygote/passed-sockets.ts";
import { Attachments } from "./attachments.ts";
import { findAddressOf, freshNamespacePlan, readSurvey, type Survey, surveyPlan } from "./bridge-survey.ts";
import { BridgeDriver } from "./drivers/bridge-driver.ts";
import { plainDriver } from "./drivers/plain-driver.ts";
import { Firewall } from "./firewall/firewall.ts";
import type { SubnetSetting } from "./ipam/check-subnets.ts";
import { DefaultIpam } from "./ipam/default-ipam.ts";
import { choosePools } from "./ipam/default-pools.ts";
import { reservedSubnets } from "./ipam/host-subnets.ts";
import { nullIpam } from "./ipam/null-ipam.ts";
import { LocalNetworkController } from "./local-controller.ts";
import { NetworkRegistry } from "./network-registry.ts";
import type { NetworkSpec } from "./network-spec.ts";
import { NetworkStore } from "./network-store.ts";
import { findSocketBy } from "./ports/find-socket.ts";
import { holdPort } from "./ports/held-port.ts";
import { PortPublisher, type PortRange } from "./ports/publish.ts";

export interface OpenNetworksDeps {
  readonly executor: Executor;
  /** Makes the sockets of resolvers. */
  readonly sockets: SocketSource;
  readonly warn: (message: string) => void;
}

export interface OpenNetworksSettings {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Name of the default bridge's interface; "none": there is no default bridge. */
  readonly bridge: string;
  /** Address of the default bridge with its prefix length. */
  readonly bip?: string;
  /** Subnet of the bridge's that addresses are chosen from. */
  readonly fixedCidr?: string;
  readonly mtu: number;
  /** Host address of ports published on the default bridge that name none (dockerd's --ip). */
  readonly defaultHostIp: string;
}

/** What a network gets that does not say. */
const DEFAULT_MTU = 1500;

const plain: Omit<NetworkSpec, "name" | "driver"> = {
  options: {},
  labels: {},
  internal: false,
  attachable: false,
  enableIpv4: true,
  enableIpv6: false,
  ipam: { driver: "default", options: null, config: [] },
  configOnly: false,
  configFrom: "",
};

/** The process must be in the host's network namespace: published ports are sockets of this process. */
export const openNetworks = async (
  deps: OpenNetworksDeps,
  settings: OpenNetworksSettings,
  signal: AbortSignal,
): Promise<LocalNetworkController> =>
  await openController({ ...deps, ports: await openPorts(deps.executor) }, settings, signal);

export async function openController(
  deps: OpenNetworksDeps & { readonly ports: PortPublisher },
  settings: OpenNetworksSettings,
  signal: AbortSignal,
): Promise<LocalNetworkController> {
  const { executor } = deps;
  await mkdir(join(settings.execRoot, "netns"), { recursive: true, mode: 0o755 });
  const attachments = new Attachments();
  const publications = () => attachments.publications();
  const rules = new Firewall(
    { ...deps, publications, hasIpv6: existsSync("/proc/net/if_inet6") },
    settings.dataRoot,
  );
  using undo = new DisposableStack();
  const store = NetworkStore.open(settings.dataRoot, undo);
  const bridges = new BridgeDriver({ executor, rules }, DEFAULT_MTU);
  const drivers = new Map([
    ["bridge", bridges],
    ["host", plainDriver("host")],
    ["null", plainDriver("null")],
  ]);
  const identities = store.identify(["bridge", "host", "none"]);
  const ipam = new Map([
    ["default", openDefaultIpam(executor, identities.get("bridge")?.id ?? "")],
    ["null", nullIpam],
  ]);
  const registry = new NetworkRegistry({ ...deps, store, drivers, ipam });
  await registry.load();
  const survey = readSurvey(await executor.run(surveyPlan, signal));
  for (const spec of predefined(settings, survey)) {
    const identity = identities.get(spec.name);
    if (identity !== undefined) await registry.addPredefined(spec, identity);
  }
  const fresh = readSurvey(await executor.run(freshNamespacePlan, signal));
  const firstIndex = Math.max(...fresh.links.map(({ index }) => index)) + 1;
  undo.move();
  return new LocalNetworkController({
    ...deps,
    ...{ store, registry, rules, attachments, firstIndex },
    execRoot: settings.execRoot,
  });
}

/** `machine`: its IPv6 networks follow from it. */
function openDefaultIpam(executor: Executor, machine: string): DefaultIpam {
  const never = new AbortController().signal;
  return new DefaultIpam({
    pools: choosePools([], machine),
    reserved: async (family) => {
      const { routes } = readSurvey(await executor.run(surveyPlan, never));
      return reservedSubnets(family, routes, readNameservers());
    },
  });
}

function readNameservers(): readonly string[] {
  try {
    const text = readFileSync("/etc/resolv.conf", "utf8");
    return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);
  } catch {
    return [];
  }
}

/** The networks that every engine has. */
function predefined(settings: OpenNetworksSettings, survey: Survey): readonly NetworkSpec[] {
  const { bridge, mtu } = settings;
  const others: readonly NetworkSpec[] = [
    { ...plain, name: "host", driver: "host" },
    { ...plain, name: "none", driver: "null" },
  ];
  if (bridge === "none") return others;
  const ours: NetworkSpec = {
    ...plain,
    name: "bridge",
    driver: "bridge",
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.bridge.host_binding_ipv4": settings.defaultHostIp,
      "com.docker.network.bridge.name": bridge,
      "com.docker.network.driver.mtu": String(mtu),
    },
    ipam: { ...plain.ipam, config: bridgeSubnets(settings, findAddressOf(survey, bridge)) },
  };
  return [ours, ...others];
}

/** As it was configured, else what the bridge has already; with neither one is chosen. */
function bridgeSubnets(
  { bip, fixedCidr }: OpenNetworksSettings,
  present: string | undefined,
): readonly SubnetSetting[] {
  const address = bip ?? present;
  if (address === undefined) return [];
  const prefix = parsePrefix(address);
  return [
    {
      auxiliary: {},
      subnet: formatPrefix(subnetOf(prefix)),
      gateway: address.replace(/\/.*/, ""),
      ...(fixedCidr !== undefined && { range: fixedCidr }),
    },
  ];
}

const openPorts = async (executor: Executor): Promise<PortPublisher> =>
  new PortPublisher({
    hold: holdPort,
    findSocket: findSocketBy(executor),
    carriesAll: false,
    ephemeral: readEphemeralPorts(),
    hasIpv6: await canListenOnIpv6(),
    defaultHostIp: "0.0.0.0",
  });

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
