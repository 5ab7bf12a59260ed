// hosts, hostname and resolv.conf of a container, in its directory; mounted over the image's.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint } from "#network/controller.ts";
import { formatHostname, formatHosts, formatResolvConf, parseExtraHost } from "#network/etc-files.ts";
import type { ContainerRecord } from "./record.ts";

export interface EtcSettings {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** What "host-gateway" stands for when the container has no gateway of its own. */
  readonly hostGateway: string;
}

/** Synchronous: three files of a few hundred bytes cost less than one trip through the thread pool. */
export class EtcDirectory {
  readonly #settings: EtcSettings;

  constructor(settings: EtcSettings) {
    this.#settings = settings;
  }

  /** The endpoint's address goes into hosts. */
  write(directory: string, record: ContainerRecord, endpoint: Endpoint | undefined): void {
    const write = (name: string, text: string): void =>
      writeFileSync(join(directory, name), text, { mode: 0o644 });
    write("hostname", formatHostname(record.config.Hostname));
    write("hosts", this.#hosts(record, endpoint));
    write("resolv.conf", this.#resolvConf(record));
  }

  #hosts({ config, hostConfig }: ContainerRecord, endpoint: Endpoint | undefined): string {
    const extraHosts = hostConfig.ExtraHosts ?? [];
    if (hostConfig.NetworkMode === "host" && extraHosts.length === 0) return readText("/etc/hosts");
    const gateway = this.#settings.hostGateway || (endpoint?.gateway ?? "127.0.0.1");
    return formatHosts({
      hostname: config.Hostname,
      domainname: config.Domainname,
      addresses: endpoint === undefined || endpoint.ipv4 === "" ? [] : [endpoint.ipv4],
      extra: extraHosts.map((text) => parseExtraHost(text, gateway)),
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
