// Where a registry's API is: which addresses to try for a domain, in which order, and how far to trust each.

import { BlockList, isIP } from "node:net";
import type { HostTable } from "./hosts-file.ts";

export interface RegistryConfig {
  /** "host", "host:port" or a CIDR. Loopback is always among them. */
  readonly insecureRegistries: readonly string[];
  /** Base URLs, tried before docker.io itself. */
  readonly mirrors: readonly string[];
  /** Directories with a folder per registry, as /etc/docker/certs.d. */
  readonly certsDirs: readonly string[];
}

/** "resolve" is tags to digests; "pull" is what has a digest. */
export type Capability = "pull" | "resolve" | "push";

export interface Endpoint {
  /** "https://registry-1.docker.io/v2": the API's root, no slash at the end. */
  readonly api: string;
  /** "127.0.0.1:5000": the name of the folder with its certificates. */
  readonly host: string;
  readonly verifyTls: boolean;
  readonly mirror: boolean;
  readonly capabilities: readonly Capability[];
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** The domain that a mirror of several is asked about. */
  readonly namespace?: string;
  /** Of hosts.toml; instead of the folder's own certificates. */
  readonly tls?: Pick<HostTable, "ca" | "client">;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";
const ALL: readonly Capability[] = ["pull", "resolve", "push"];

/** The endpoints by the daemon's keys. An insecure registry is tried with unverified TLS first, then without. */
export function planEndpoints(domain: string, config: RegistryConfig): readonly Endpoint[] {
  if (domain !== DOCKER_HUB) return endpointsOf(domain, config);
  const mirrors = config.mirrors.map((mirror) => mirrorEndpoint(mirror, config));
  return [...mirrors, ...endpointsOf(DOCKER_HUB_HOST, config)];
}

/** The endpoints by a hosts.toml, which is all there is to be said of its registry. */
export function planHosts(
  domain: string,
  { hosts, server }: { readonly hosts: readonly HostTable[]; readonly server: HostTable },
  config: RegistryConfig,
): readonly Endpoint[] {
  const mirrors = hosts.map((host) => hostEndpoint(host, domain, true));
  if (server.url === undefined) return [...mirrors, ...endpointsOf(apiHostOf(domain), config)];
  return [...mirrors, hostEndpoint(server, domain, false)];
}

export const apiHostOf = (domain: string): string => (domain === DOCKER_HUB ? DOCKER_HUB_HOST : domain);

function hostEndpoint(table: HostTable, domain: string, mirror: boolean): Endpoint {
  const url = new URL(table.url ?? `https://${apiHostOf(domain)}`);
  const path = url.pathname.replace(/\/+$/, "");
  const root = table.overridePath || path.endsWith("/v2") ? path : `${path}/v2`;
  const { ca, client } = table;
  return {
    api: `${url.protocol}//${url.host}${root}`,
    host: url.host,
    verifyTls: !table.skipVerify,
    mirror,
    capabilities: table.capabilities,
    headers: table.headers,
    ...(mirror && { namespace: domain }),
    ...((ca.length > 0 || client.length > 0) && { tls: { ca, client } }),
  };
}

function endpointsOf(host: string, config: RegistryConfig): readonly Endpoint[] {
  const secure = !isInsecure(host, config);
  const https: Endpoint = {
    api: `https://${host}/v2`,
    host,
    verifyTls: secure,
    mirror: false,
    capabilities: ALL,
    headers: {},
  };
  return secure ? [https] : [https, { ...https, api: `http://${host}/v2` }];
}

function mirrorEndpoint(mirror: string, config: RegistryConfig): Endpoint {
  const url = new URL(mirror);
  return {
    api: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}/v2`,
    host: url.host,
    verifyTls: !isInsecure(url.host, config),
    mirror: true,
    capabilities: ["pull", "resolve"],
    headers: {},
  };
}

function isInsecure(host: string, config: RegistryConfig): boolean {
  if (config.insecureRegistries.includes(host)) return true;
  const address = host.replace(/:[0-9]+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (address === "localhost" || config.insecureRegistries.includes(address)) return true;
  const family = isIP(address);
  return family !== 0 && insecureNetworks(config).check(address, family === 6 ? "ipv6" : "ipv4");
}

function insecureNetworks(config: RegistryConfig): BlockList {
  const networks = new BlockList();
  for (const entry of ["127.0.0.0/8", "::1/128", ...config.insecureRegistries]) {
    const [address = "", prefix] = entry.split("/");
    const family = isIP(address);
    if (prefix !== undefined && family !== 0)
      networks.addSubnet(address, Number(prefix), family === 6 ? "ipv6" : "ipv4");
  }
  return networks;
}
