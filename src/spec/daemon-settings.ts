// The daemon's settings, checked as dockerd checks its own.

import { isIP } from "node:net";
import { invalid } from "#base/errors.ts";
import {
  type AddressPool,
  type DefaultBridge,
  type NetworkOptions,
  readAddressPools,
  readDefaultBridge,
  readNetworkOptions,
} from "./daemon-bridge.ts";
import {
  type ContainerDefaults,
  checkContainerDefaults,
  readContainerDefaults,
} from "./daemon-container-defaults.ts";
import { decodeRuntimes, type RuntimePrograms } from "./daemon-runtimes.ts";
import { type Given, GivenValues } from "./given-values.ts";
import { decodeScopedHosts, type ScopedHost } from "./scoped-host.ts";

/** More than real layers come to, but for those of nothing but zeros. */
export const DEFAULT_DECOMPRESSION_RATIO = 1000;

export interface DaemonSettings {
  readonly hosts: readonly string[];
  readonly scopedHosts: readonly ScopedHost[];
  /** Missing: neither --tls nor --tlsverify was given, in either sense. */
  readonly tls?: TlsSettings;
  readonly authorizationPlugins: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidfile: string;
  readonly group: string;
  readonly debug: boolean;
  readonly logLevel: string;
  readonly logFormat: "text" | "json";
  /** "host:port", or "". */
  readonly metricsAddress: string;
  /** Events that outlive a restart. */
  readonly eventBacklog: number;
  readonly experimental: boolean;
  /** "" is the oldest that there is. */
  readonly minApiVersion: string;
  /** "" is the containerd layer in this process. */
  readonly containerd: string;
  readonly addressPools: readonly AddressPool[];
  readonly defaultBridge: DefaultBridge;
  /** Options of networks that are created, by driver. */
  readonly networkOptions: NetworkOptions;
  readonly firewallRespectHost: boolean;
  /** Rules are made for IPv4, and for IPv6. */
  readonly iptables: boolean;
  readonly ip6tables: boolean;
  readonly ipForward: boolean;
  readonly ipForwardNoDrop: boolean;
  readonly allowDirectRouting: boolean;
  readonly bridge: string;
  readonly mtu: number;
  /** containerd's name for --storage-driver; undefined: what the data root has, or what this machine can do. */
  readonly snapshotter: "overlayfs" | "native" | undefined;
  /** Of published ports that name none. */
  readonly ip: string;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly hostGatewayIps: readonly string[];
  /** Empty: the usual ones. */
  readonly cdiDirectories: readonly string[];
  /** Containers that do not say get an init. */
  readonly init: boolean;
  /** "" is the one that is built in. */
  readonly initPath: string;
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  readonly maxDownloadAttempts: number;
  readonly proxies: ProxyUrls;
  /** Blobs of layers go once they are unpacked, where they can be rebuilt. */
  readonly discardLayerBlobs: boolean;
  /** How many times its compressed size an image's layer or archive may have; 0 is any. */
  readonly maxDecompressionRatio: number;
  /** Path of a containers-policy.json(5); "" for none. */
  readonly signaturePolicy: string;
  readonly labels: readonly string[];
  readonly runtimes: RuntimePrograms;
  readonly liveRestore: boolean;
  /** Seconds. */
  readonly shutdownTimeout: number;
  readonly containers: ContainerDefaults;
  /** "default", USER or USER:GROUP, by name or number; "" is no user namespaces. */
  readonly usernsRemap: string;
}

/** How registries are reached; "" is not given. */
export interface ProxyUrls {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

export interface TlsSettings {
  readonly enabled: boolean;
  readonly verify: boolean;
  /** Paths; "" is not given. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function toSettings(given: Given): DaemonSettings {
  const values = new GivenValues(given);
  const execRoot = values.text("exec-root", "/run/gantry");
  const tls = readTls(values);
  const defaultHost = tls?.enabled === true ? "tcp://127.0.0.1:2376" : `unix://${execRoot}/docker.sock`;
  const hosts = values.list("host").filter((host) => host.trim() !== "");
  const settings: DaemonSettings = {
    hosts: hosts.length === 0 ? [defaultHost] : hosts,
    scopedHosts: decodeScopedHosts(values.list("scoped-host")),
    ...(tls !== undefined && { tls }),
    authorizationPlugins: [...new Set(values.list("authorization-plugin"))],
    dataRoot: values.text("data-root", "/var/lib/gantry"),
    execRoot,
    pidfile: values.text("pidfile", `${execRoot}/gantryd.pid`),
    group: values.text("group", "docker"),
    debug: values.truth("debug"),
    logLevel: values.text("log-level", "info"),
    logFormat: readLogFormat(values.text("log-format", "text")),
    metricsAddress: values.text("metrics-addr", ""),
    eventBacklog: values.number("event-backlog", 10_000),
    experimental: values.truth("experimental"),
    minApiVersion: values.text("min-api-version", ""),
    containerd: values.text("containerd", ""),
    snapshotter: readDriver(values.text("storage-driver", "")),
    ...readNetwork(values),
    cdiDirectories: values.list("cdi-spec-dir"),
    init: values.truth("init"),
    initPath: values.text("init-path", ""),
    insecureRegistries: values.list("insecure-registry"),
    registryMirrors: values.list("registry-mirror"),
    maxConcurrentDownloads: values.number("max-concurrent-downloads", 3) || 3,
    maxConcurrentUploads: values.number("max-concurrent-uploads", 5) || 5,
    proxies: {
      httpProxy: values.text("http-proxy", ""),
      httpsProxy: values.text("https-proxy", ""),
      noProxy: values.text("no-proxy", ""),
    },
    maxDownloadAttempts: values.number("max-download-attempts", 5) || 5,
    discardLayerBlobs: values.truth("discard-layer-blobs"),
    maxDecompressionRatio: values.number("max-decompression-ratio", DEFAULT_DECOMPRESSION_RATIO),
    signaturePolicy: values.text("signature-policy", ""),
    labels: uniqueLabels(values.list("label")),
    runtimes: decodeRuntimes(given.get("add-runtime") ?? {}),
    liveRestore: values.truth("live-restore"),
    shutdownTimeout: values.number("shutdown-timeout", 15),
    containers: readContainerDefaults(values),
    usernsRemap: values.text("userns-remap", ""),
  };
  checkValues(settings);
  return settings;
}

/** Whether true or false, naming --tlsverify turns TLS on; --tls alone verifies, too. */
function readTls(values: GivenValues): TlsSettings | undefined {
  const [tls, tlsverify] = [values.given.get("tls"), values.given.get("tlsverify")];
  if (tls === undefined && tlsverify === undefined) return undefined;
  return {
    enabled: tlsverify !== undefined || tls === true,
    verify: tlsverify === undefined ? tls === true : tlsverify === true,
    caFile: values.text("tlscacert", ""),
    certFile: values.text("tlscert", ""),
    keyFile: values.text("tlskey", ""),
  };
}

const readNetwork = (values: GivenValues) => ({
  addressPools: readAddressPools(values.given.get("default-address-pool")),
  defaultBridge: readDefaultBridge(values),
  networkOptions: readNetworkOptions(values.given.get("default-network-opt")),
  firewallRespectHost: values.truth("firewall-respect-host"),
  iptables: values.given.get("iptables") !== false,
  ip6tables: values.given.get("ip6tables") !== false,
  ipForward: values.given.get("ip-forward") !== false,
  ipForwardNoDrop: values.truth("ip-forward-no-drop"),
  allowDirectRouting: values.truth("allow-direct-routing"),
  bridge: values.text("bridge", ""),
  mtu: values.number("mtu", 1500),
  ip: values.text("ip", "0.0.0.0"),
  dns: values.list("dns"),
  dnsOptions: values.list("dns-opt"),
  dnsSearch: values.list("dns-search"),
  hostGatewayIps: values.list("host-gateway-ip"),
});

/** Docker's names and containerd's. */
function readDriver(name: string): DaemonSettings["snapshotter"] {
  if (name === "") return undefined;
  if (name === "overlay2" || name === "overlayfs") return "overlayfs";
  if (name === "vfs" || name === "native") return "native";
  throw invalid(`error initializing graphdriver: driver not supported: ${name}`);
}

function readLogFormat(text: string): "text" | "json" {
  if (text === "text" || text === "json") return text;
  throw invalid(`invalid log format: ${text}`);
}

/** A label that is given twice counts once, unless its values differ. */
function uniqueLabels(labels: readonly string[]): readonly string[] {
  const values = new Map<string, string>();
  for (const label of labels) {
    const at = label.indexOf("=");
    if (at <= 0) throw invalid(`bad attribute format: ${label}`);
    const [name, value] = [label.slice(0, at), label.slice(at + 1)];
    const known = values.get(name);
    if (known !== undefined && known !== value)
      throw invalid(`conflict labels for ${name}=${value} and ${name}=${known}`);
    values.set(name, value);
  }
  return [...values].map(([name, value]) => `${name}=${value}`);
}

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"];

function checkValues(settings: DaemonSettings): void {
  if (!logLevels.includes(settings.logLevel.toLowerCase()))
    throw invalid(`invalid logging level: ${settings.logLevel}`);
  const least = [
    ["default MTU", settings.mtu],
    ["max concurrent downloads", settings.maxConcurrentDownloads],
    ["max concurrent uploads", settings.maxConcurrentUploads],
    ["max download attempts", settings.maxDownloadAttempts],
    ["default stop timeout", settings.containers.stopTimeout],
    ["event backlog", settings.eventBacklog],
  ] as const;
  for (const [what, value] of least) if (value < 0) throw invalid(`invalid ${what}: ${value}`);
  if (settings.defaultBridge.bip !== "" && settings.bridge !== "" && settings.bridge !== "none")
    throw invalid("You specified -b & --bip, mutually exclusive options. Please specify only one.");
  for (const address of [...settings.dns, ...settings.hostGatewayIps, settings.ip])
    if (isIP(address) === 0) throw invalid(`IP address is not correctly formatted: ${address}`);
  checkContainerDefaults(settings.containers);
  for (const mirror of settings.registryMirrors) checkMirror(mirror);
  if (settings.discardLayerBlobs && settings.containerd !== "")
    throw invalid("discard-layer-blobs is an option of the store's own process: --containerd names another");
}

function checkMirror(text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//.test(text))
    throw invalid(
      `invalid mirror: no scheme specified for "${text}": must use either 'https://' or 'http://'`,
    );
  if (url.search !== "" || url.hash !== "")
    throw invalid(`invalid mirror: query or fragment at end of the URI "${text}"`);
  if (url.username !== "" || url.password !== "")
    throw invalid(`invalid mirror: username/password not allowed in URI "${text}"`);
}
