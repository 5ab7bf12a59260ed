// Contents of /etc/hosts and /etc/hostname of a container, as Docker writes them.

export interface HostsEntry {
  readonly address: string;
  readonly names: string;
}

const LOCAL_IPV4: readonly HostsEntry[] = [{ address: "127.0.0.1", names: "localhost" }];
const LOCAL_IPV6: readonly HostsEntry[] = [
  { address: "::1", names: "localhost ip6-localhost ip6-loopback" },
  { address: "fe00::", names: "ip6-localnet" },
  { address: "ff00::", names: "ip6-mcastprefix" },
  { address: "ff02::1", names: "ip6-allnodes" },
  { address: "ff02::2", names: "ip6-allrouters" },
];

export interface HostsSettings {
  readonly hostname: string;
  readonly domainname: string;
  /** Addresses of the container's interfaces. */
  readonly addresses: readonly string[];
  readonly extra: readonly HostsEntry[];
  /** False: there is no IPv6 inside, and no line of it is written. */
  readonly hasIpv6: boolean;
}

export function formatHosts(settings: HostsSettings): string {
  const { hostname, domainname, hasIpv6 } = settings;
  // The whole name, then its first label: the domain may be given with either.
  const whole = domainname === "" ? hostname : `${hostname}.${domainname}`;
  const [label] = whole.split(".", 1);
  const names = label === whole ? whole : `${whole} ${label}`;
  const own = settings.addresses.map((address) => ({ address, names }));
  return [...LOCAL_IPV4, ...LOCAL_IPV6, ...settings.extra, ...own]
    .filter(({ address }) => hasIpv6 || !address.includes(":"))
    .map((entry) => `${entry.address}\t${entry.names}\n`)
    .join("");
}

/** "name:address" of --add-host; the address may be IPv6. "host-gateway" stands for each of the addresses that are given. */
export function parseExtraHost(text: string, hostGateways: readonly string[]): readonly HostsEntry[] {
  const colon = text.indexOf(":");
  const address = text.slice(colon + 1).replace(/^\[(.*)\]$/, "$1");
  const addresses = address === "host-gateway" ? hostGateways : [address];
  return addresses.map((each) => ({ address: each, names: text.slice(0, colon) }));
}

export const formatHostname = (hostname: string): string => `${hostname}\n`;

/** A file that we wrote as `made` and that somebody has edited since: the lines that we change are changed, all others stay. */
export function mergeLines(made: string, edited: string, next: string): string {
  if (edited === made) return next;
  const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
  const [before, after] = [linesOf(made), linesOf(next)];
  const kept = linesOf(edited).filter((line) => after.includes(line) || !before.includes(line));
  const added = after.filter((line) => !before.includes(line));
  return [...kept, ...added].map((line) => `${line}\n`).join("");
}
