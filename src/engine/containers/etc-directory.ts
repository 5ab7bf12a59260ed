// hosts, hostname and resolv.conf of a container, in its directory; mounted over the image's.
//
// Beside what a container may edit lies what we wrote last (`hosts.made`, `resolv.conf.made`): so that what somebody has changed is seen.

import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Endpoint } from "#network/controller.ts";
import {
  formatHostname,
  formatHosts,
  type HostsEntry,
  mergeLines,
  parseExtraHost,
} from "#network/etc-files.ts";
import { planResolvConf, type ResolvConf } from "#network/resolv-conf.ts";
import { isUserDefined } from "./network-names.ts";
import type { ContainerRecord } from "./record.ts";

export interface EtcSettings {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** What "host-gateway" stands for; none: the gateway of the container. */
  readonly hostGateways: readonly string[];
}

export class EtcDirectory {
  readonly #settings: EtcSettings;
  readonly #linkHosts: (record: ContainerRecord) => readonly HostsEntry[];

  /** `linkHosts`: where a container finds those that it is linked to, now. */
  constructor(settings: EtcSettings, linkHosts: (record: ContainerRecord) => readonly HostsEntry[]) {
    this.#settings = settings;
    this.#linkHosts = linkHosts;
  }

  /** All three before a start, the container's own addresses still missing from hosts. A resolv.conf that somebody has edited stays. */
  async write(directory: string, record: ContainerRecord): Promise<void> {
    writeEtc(join(directory, "hostname"), formatHostname(record.config.Hostname), 0o644);
    this.#writeNewHosts(directory, record);
    await this.writeResolvConf(directory, record);
  }

  /** In place, as the file may be mounted already; not if somebody has edited it. */
  async writeResolvConf(directory: string, record: ContainerRecord): Promise<void> {
    const { text } = this.#resolvConf(record);
    const [made, edited] = await readBoth(directory, "resolv.conf");
    if (made !== undefined && edited !== undefined && (made !== edited || made === text)) return;
    writeMade(directory, "resolv.conf", { text, made: text });
  }

  #writeNewHosts(directory: string, record: ContainerRecord): void {
    const text = this.#hosts(record, []);
    writeMade(directory, "hosts", { text, made: text });
  }

  /** In place: the file may be mounted already. Lines that somebody has added stay. */
  async writeHosts(
    directory: string,
    record: ContainerRecord,
    endpoints: readonly Endpoint[],
  ): Promise<void> {
    const next = this.#hosts(record, endpoints);
    const [made, edited] = await readBoth(directory, "hosts");
    const isKnown = made !== undefined && edited !== undefined;
    if (isKnown && made === next) return;
    writeMade(directory, "hosts", {
      text: isKnown ? mergeLines(made, edited, next) : next,
      made: next,
    });
  }

  /** What our resolver is to do for a container, once it has one. */
  names(record: ContainerRecord): ResolvConf["names"] {
    return this.#resolvConf(record, true).names;
  }

  #hosts(record: ContainerRecord, endpoints: readonly Endpoint[]): string {
    const { config, hostConfig } = record;
    const extraHosts = hostConfig.ExtraHosts ?? [];
    if (hostConfig.NetworkMode === "host" && extraHosts.length === 0) return readText("/etc/hosts");
    const exit = endpoints.find(({ gateway }) => gateway !== "")?.gateway ?? "127.0.0.1";
    const gateways = this.#settings.hostGateways.length > 0 ? this.#settings.hostGateways : [exit];
    return formatHosts({
      hostname: config.Hostname,
      domainname: config.Domainname,
      addresses: endpoints.flatMap(({ ipv4, ipv6 = "" }) => [ipv4, ipv6]).filter((text) => text !== ""),
      extra: [
        ...extraHosts.flatMap((text) => parseExtraHost(text, gateways)),
        ...(endpoints.length === 0 ? [] : this.#linkHosts(record)),
      ],
      hasIpv6: !withoutIpv6.some((sysctl) => hostConfig.Sysctls?.[sysctl] === "1"),
    });
  }

  /** `hasResolver`: whether or not one of its networks asks for it now. */
  #resolvConf(record: ContainerRecord, hasResolver = needsResolver(record)): ResolvConf {
    const { hostConfig } = record;
    const chosen = (own: readonly string[] | null, fallback: readonly string[]): readonly string[] =>
      own !== null && own.length > 0 ? own : fallback;
    const kind = hostConfig.NetworkMode === "host" ? "host" : hasResolver ? "internal" : "legacy";
    return planResolvConf({
      host: kind === "legacy" ? reachableResolvConf() : ownResolvConf(),
      asked: {
        servers: chosen(hostConfig.Dns, this.#settings.dns),
        search: chosen(hostConfig.DnsSearch, this.#settings.dnsSearch),
        options: chosen(hostConfig.DnsOptions, this.#settings.dnsOptions),
      },
      kind,
      hasIpv6: false,
    });
  }
}

const withoutIpv6 = ["net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.lo.disable_ipv6"];

const needsResolver = ({ networks }: ContainerRecord): boolean => Object.keys(networks).some(isUserDefined);

const madePath = (directory: string, name: string): string => join(directory, `${name}.made`);

const { O_CREAT, O_WRONLY } = constants;

/** In place, and never empty for who reads meanwhile; by ext4 a file that is emptied first is sent to the disk at once, which takes 20 times as long. */
function writeEtc(path: string, text: string, mode: number): void {
  const file = openSync(path, O_WRONLY | O_CREAT, mode);
  try {
    writeFileSync(file, text);
    ftruncateSync(file, Buffer.byteLength(text));
  } finally {
    closeSync(file);
  }
}

function writeMade(
  directory: string,
  name: string,
  { text, made }: { readonly text: string; readonly made: string },
): void {
  writeEtc(join(directory, name), text, 0o644);
  writeEtc(madePath(directory, name), made, 0o600);
}

/** What we wrote, and what is there now. */
const readBoth = (directory: string, name: string): Promise<readonly (string | undefined)[]> =>
  Promise.all(
    [madePath(directory, name), join(directory, name)].map((path) =>
      readFile(path, "utf8").catch(() => undefined),
    ),
  );

const ownResolvConf = () => ({ path: RESOLV_CONF, text: readText(RESOLV_CONF) });

/** systemd-resolved's stub listens on the host's loopback: its upstream servers are in a file of their own. */
function reachableResolvConf() {
  const { path, text } = ownResolvConf();
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server);
  const isStub = servers.length > 0 && servers.every((server) => server === "127.0.0.53");
  const upstream = isStub ? readText(RESOLVED_CONF) : "";
  return upstream === "" ? { path, text } : { path: RESOLVED_CONF, text: upstream };
}

const RESOLV_CONF = "/etc/resolv.conf";
const RESOLVED_CONF = "/run/systemd/resolve/resolv.conf";

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
