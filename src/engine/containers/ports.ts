// "80/tcp", "8000-8010/udp": exposed and published ports.

import { invalid } from "#base/errors.ts";
import type { PortMapping } from "#network/controller.ts";
import type { ContainerConfig, HostConfig } from "#spec/container-config.ts";

type Protocol = PortMapping["proto"];

export interface ContainerPort {
  readonly proto: Protocol;
  readonly first: number;
  readonly last: number;
}

export function parsePort(text: string): ContainerPort {
  const match = /^(\d+)(?:-(\d+))?(?:\/([a-zA-Z]+))?$/.exec(text);
  const first = Number(match?.[1] ?? -1);
  const last = Number(match?.[2] ?? first);
  const proto = readProtocol(match?.[3] ?? "tcp");
  if (match === null || proto === undefined || last < first || last > 65_535)
    throw invalid(`invalid port specification: "${text}"`);
  return { proto, first, last };
}

function readProtocol(text: string): Protocol | undefined {
  const name = text.toLowerCase();
  return name === "tcp" || name === "udp" || name === "sctp" ? name : undefined;
}

/** What to publish: the bindings, and with -P every exposed port that has none. Neighbouring ports that lead to neighbouring ones are a range. */
export function planPorts(config: ContainerConfig, hostConfig: HostConfig): readonly PortMapping[] {
  const mappings = [...readBindings(hostConfig)];
  if (hostConfig.PublishAllPorts) mappings.push(...exposeRest(config, mappings));
  return joinRanges(mappings.toSorted(byOrder));
}

export function readBindings({ PortBindings }: Pick<HostConfig, "PortBindings">): readonly PortMapping[] {
  const mappings: PortMapping[] = [];
  for (const [port, list] of Object.entries(PortBindings ?? {})) {
    const container = parsePort(port);
    for (const { HostIp: hostIp, HostPort: hostPort } of list ?? [])
      mappings.push(...mappingsOf(container, hostIp, readHostPort(hostPort)));
  }
  return mappings;
}

/** A range that leads to one, or single ports for which any of the host will do. */
function mappingsOf(
  { proto, first, last }: ContainerPort,
  hostIp: string,
  host: Pick<PortMapping, "hostPort" | "hostPortEnd">,
): readonly PortMapping[] {
  if (first === last) return [{ proto, containerPort: first, hostIp, ...host }];
  if (host.hostPort !== 0) return [{ proto, containerPort: first, hostIp, ...host, containerPortEnd: last }];
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    ...{ proto, containerPort: first + at, hostIp },
    ...host,
  }));
}

function exposeRest(config: ContainerConfig, bound: readonly PortMapping[]): readonly PortMapping[] {
  const taken = new Set(
    bound.flatMap(({ proto, containerPort, containerPortEnd = containerPort }) =>
      Array.from(
        { length: containerPortEnd - containerPort + 1 },
        (_, at) => `${containerPort + at}/${proto}`,
      ),
    ),
  );
  const mappings: PortMapping[] = [];
  for (const port of Object.keys(config.ExposedPorts ?? {})) {
    const { proto, first, last } = parsePort(port);
    for (let number = first; number <= last; number++)
      if (!taken.has(`${number}/${proto}`))
        mappings.push({ proto, containerPort: number, hostIp: "", hostPort: 0 });
  }
  return mappings;
}

const protocols: readonly Protocol[] = ["tcp", "udp", "sctp"];

/** As Docker publishes: who asks for one port before who takes what is left, then by the container's port. */
function byOrder(one: PortMapping, other: PortMapping): number {
  const leaves = ({ hostPort, hostPortEnd }: PortMapping): number =>
    hostPort === 0 || hostPortEnd !== undefined ? 1 : 0;
  return (
    leaves(one) - leaves(other) ||
    one.containerPort - other.containerPort ||
    protocols.indexOf(one.proto) - protocols.indexOf(other.proto) ||
    one.hostPort - other.hostPort
  );
}

const isNext = (range: PortMapping, { containerPort, hostPort, hostPortEnd, hostIp, proto }: PortMapping) =>
  hostPortEnd === undefined &&
  proto === range.proto &&
  hostIp === range.hostIp &&
  containerPort === (range.containerPortEnd ?? range.containerPort) + 1 &&
  hostPort - range.hostPort === containerPort - range.containerPort;

export function joinRanges(mappings: readonly PortMapping[]): readonly PortMapping[] {
  const joined: PortMapping[] = [];
  /** Of each address and protocol: where the range that grows stands. */
  const growing = new Map<string, number>();
  for (const mapping of mappings) {
    const key = `${mapping.proto} ${mapping.hostIp} ${mapping.hostPort - mapping.containerPort}`;
    const at = growing.get(key) ?? -1;
    const range = joined[at];
    if (range !== undefined && mapping.hostPort !== 0 && isNext(range, mapping))
      joined[at] = { ...range, containerPortEnd: mapping.containerPortEnd ?? mapping.containerPort };
    else {
      if (mapping.hostPort !== 0 && mapping.hostPortEnd === undefined) growing.set(key, joined.length);
      joined.push(mapping);
    }
  }
  return joined;
}

function readHostPort(text: string): Pick<PortMapping, "hostPort" | "hostPortEnd"> {
  if (text === "") return { hostPort: 0 };
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1] ?? -1);
  const last = Number(match?.[2] ?? first);
  if (match === null || last < first || last > 65_535) throw invalid(`invalid port specification: "${text}"`);
  return last > first ? { hostPort: first, hostPortEnd: last } : { hostPort: first };
}
