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

/** What to publish: the bindings, and with -P every exposed port that has none. */
export function planPorts(config: ContainerConfig, hostConfig: HostConfig): readonly PortMapping[] {
  const bindings = hostConfig.PortBindings ?? {};
  const mappings: PortMapping[] = [];
  for (const [port, list] of Object.entries(bindings)) {
    const { proto, first } = parsePort(port);
    for (const { HostIp: hostIp, HostPort: hostPort } of list ?? [])
      mappings.push({ proto, containerPort: first, hostIp, ...readHostPort(hostPort) });
  }
  if (!hostConfig.PublishAllPorts) return mappings;
  for (const port of Object.keys(config.ExposedPorts ?? {})) {
    const { proto, first, last } = parsePort(port);
    for (let number = first; number <= last; number++) {
      if (mappings.some((mapping) => mapping.proto === proto && mapping.containerPort === number)) continue;
      mappings.push({ proto, containerPort: number, hostIp: "", hostPort: 0 });
    }
  }
  return mappings;
}

function readHostPort(text: string): Pick<PortMapping, "hostPort" | "hostPortEnd"> {
  if (text === "") return { hostPort: 0 };
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1] ?? -1);
  const last = Number(match?.[2] ?? first);
  if (match === null || last < first || last > 65_535) throw invalid(`invalid port specification: "${text}"`);
  return last > first ? { hostPort: first, hostPortEnd: last } : { hostPort: first };
}
