// hosts, hostname and resolv.conf of a container, in its directory; mounted over the image's.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Endpoint } from "#network/controller.ts";
import {
  formatHostname,
  formatHosts,
  formatResolvConf,
  type HostsEntry,
  parseExtraHost,
} from "#network/etc-files.ts";
import type { ContainerRecord } from "./record.ts";

export interface EtcSettings {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** What "host-gateway" stands for; "" is the gateway of the container. */
  readonly hostGateway: string;
}

export class EtcDirectory {
  readonly #settings: EtcSettings;
  readonly #linkHosts: (record: ContainerRecord) => readonly HostsEntry[];

  /** `linkHosts`: where a container finds those that it is linked to, now. */
  constructor(settings: EtcSettings, linkHosts: (record: ContainerRecord) => readonly HostsEntry[]) {
    this.#settings = settings;
    this.#linkHosts = linkHosts;
  }

  /** All three, the container's own address still missing from hosts. */
  async write(directory: string, record: ContainerRecord): Promise<void> {
    await Promise.all([
      writeEtc(directory, "hostname", formatHostname(record.config.Hostname)),
      writeEtc(directory, "resolv.conf", this.#resolvConf(record)),
      this.writeHosts(directory, record, []),
    ]);
  }

  /** In place: the file may be mounted already. */
  async writeHosts(
    directory: string,
    record: ContainerRecord,
    endpoints: readonly Endpoint[],
  ): Promise<void> {
    await writeEtc(directory, "hosts", this.#hosts(record, endpoints));
  }

  #hosts(record: ContainerRecord, endpoints: readonly Endpoint[]): string {
    const { config, hostConfig } = record;
    const extraHosts = hostConfig.ExtraHosts ?? [];
    if (hostConfig.NetworkMode === "host" && extraHosts.length === 0) return readText("/etc/hosts");
    const [exit] = endpoints.flatMap(({ gateway: own }) => (own === "" ? [] : [own]));
    const gateway = this.#settings.hostGateway || (exit ?? "127.0.0.1");
    return formatHosts({
      hostname: config.Hostname,
      domainname: config.Domainname,
      addresses: endpoints.flatMap(({ ipv4, ipv6 = "" }) => [ipv4, ipv6]).filter((text) => text !== ""),
      extra: [
        ...extraHosts.map((text) => parseExtraHost(text, gateway)),
        ...(endpoints.length === 0 ? [] : this.#linkHosts(record)),
      ],
    });
  }

  #resolvConf({ hostConfig }: ContainerRecord): string {
    const chosen = (own: readonly string[] | null, fallback: readonly string[]): readonly string[] =>
      own !== null && own.length > 0 ? own : fallback;
    const asked = {
      servers: chosen(hostConfig.Dns, this.#settings.dns),
      search: chosen(hostConfig.DnsSearch, this.#settings.dnsSearch),
      options: chosen(hostConfig.DnsOptions, this.#settings.dnsOptions),
    };
    const isolated = hostConfig.NetworkMode !== "host" && hostConfig.NetworkMode !== "none";
    return formatResolvConf(hostResolvConf(), asked, isolated);
  }
}

const writeEtc = (directory: string, name: string, text: string): Promise<void> =>
  writeFile(join(directory, name), text, { mode: 0o644 });

/** systemd-resolved's stub listens on the host's loopback: its upstream servers are in a file of their own. */
function hostResolvConf(): string {
  const text = readText("/etc/resolv.conf");
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server);
  const isStub = servers.length > 0 && servers.every((server) => server === "127.0.0.53");
  return isStub ? readText("/run/systemd/resolve/resolv.conf") || text : text;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
