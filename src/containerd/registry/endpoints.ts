// Where a registry's API is: which addresses to try for a domain, in which order, and how far to trust each.

import { BlockList, isIP } from "node:net";

export interface RegistryConfig {
  /** "host", "host:port" or a CIDR. Loopback is always among them. */
  readonly insecureRegistries: readonly string[];
  /** Base URLs, tried before docker.io itself. */
  readonly mirrors: readonly string[];
  /** Directories with a folder per registry, as /etc/docker/certs.d. */
  readonly certsDirs: readonly string[];
}

export interface Endpoint {
  /** "https://registry-1.docker.io": no path, no slash at the end. */
  readonly base: string;
  /** "127.0.0.1:5000": the name of the folder with its certificates. */
  readonly host: string;
  readonly verifyTls: boolean;
  readonly mirror: boolean;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** An insecure registry is tried with unverified TLS first, then without. */
export function planEndpoints(domain: string, config: RegistryConfig): readonly Endpoint[] {
  if (domain !== DOCKER_HUB) return endpointsOf(domain, config, false);
  const mirrors = config.mirrors.map((mirror) => mirrorEndpoint(mirror, config));
  return [...mirrors, ...endpointsOf(DOCKER_HUB_HOST, config, false)];
}

function endpointsOf(host: string, config: RegistryConfig, mirror: boolean): readonly Endpoint[] {
  const secure = !isInsecure(host, config);
  const https = { base: `https://${host}`, host, verifyTls: secure, mirror };
  return secure ? [https] : [https, { ...https, base: `http://${host}` }];
}

function mirrorEndpoint(mirror: string, config: RegistryConfig): Endpoint {
  const url = new URL(mirror);
  const base = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
  return { base, host: url.host, verifyTls: !isInsecure(url.host, config), mirror: true };
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
