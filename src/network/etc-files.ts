// Contents of /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, as Docker writes them.

export interface HostsEntry {
  readonly address: string;
  readonly names: string;
}

const LOCAL: readonly HostsEntry[] = [
  { address: "127.0.0.1", names: "localhost" },
  { address: "::1", names: "localhost ip6-localhost ip6-loopback" },
  { address: "fe00::0", names: "ip6-localnet" },
  { address: "ff00::0", names: "ip6-mcastprefix" },
  { address: "ff02::1", names: "ip6-allnodes" },
  { address: "ff02::2", names: "ip6-allrouters" },
];

export interface HostsSettings {
  readonly hostname: string;
  readonly domainname: string;
  /** Addresses of the container's interfaces. */
  readonly addresses: readonly string[];
  readonly extra: readonly HostsEntry[];
}

export function formatHosts(settings: HostsSettings): string {
  const { hostname, domainname } = settings;
  // The whole name, then its first label: the domain may be given with either.
  const whole = domainname === "" ? hostname : `${hostname}.${domainname}`;
  const [label] = whole.split(".", 1);
  const names = label === whole ? whole : `${whole} ${label}`;
  const own = settings.addresses.map((address) => ({ address, names }));
  return [...LOCAL, ...settings.extra, ...own].map((entry) => `${entry.address}\t${entry.names}\n`).join("");
}

/** "name:address" of --add-host; the address may be IPv6. `hostGateway` replaces the address "host-gateway". */
export function parseExtraHost(text: string, hostGateway: string): HostsEntry {
  const colon = text.indexOf(":");
  const address = text.slice(colon + 1);
  return { address: address === "host-gateway" ? hostGateway : address, names: text.slice(0, colon) };
}

export const formatHostname = (hostname: string): string => `${hostname}\n`;

export interface ResolverSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

const FALLBACK_SERVERS = ["8.8.8.8", "8.8.4.4"];

/** The words of every line that starts with `keyword`. */
const linesOf = (file: string, keyword: string): readonly (readonly string[])[] =>
  file
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[0] === keyword)
    .map((words) => words.slice(1));

const isLoopback = (server: string): boolean => /^(127\.|::1$)/.test(server);
const isIpv6 = (server: string): boolean => server.includes(":");

/**
 * The container's resolv.conf from the host's and what the user asked for.
 * `isolated`: a loopback or IPv6 server of the host cannot be reached from inside; with none left Google's are used.
 */
export function formatResolvConf(hostFile: string, asked: ResolverSettings, isolated: boolean): string {
  const overridden = asked.servers.length + asked.search.length + asked.options.length > 0;
  const reachable = (server: string): boolean => !isolated || !(isLoopback(server) || isIpv6(server));
  const hostServers = linesOf(hostFile, "nameserver").flatMap((words) => words.slice(0, 1));
  const usable = hostServers.filter(reachable);
  if (!overridden && usable.length === hostServers.length && usable.length > 0) return hostFile;
  const hostSearch = linesOf(hostFile, "search").at(-1) ?? [];
  const hostOptions = linesOf(hostFile, "options").flat();
  const servers = asked.servers.length > 0 ? asked.servers : usable.length > 0 ? usable : FALLBACK_SERVERS;
  const search = asked.search.length > 0 ? asked.search : hostSearch;
  const options = asked.options.length > 0 ? asked.options : hostOptions;
  // A single "." as search domain means none at all.
  const lines = [
    ...(search.length === 0 || (search.length === 1 && search[0] === ".")
      ? []
      : [`search ${search.join(" ")}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}
