// What a sandbox is to have, as plugins are told of it: by the names and in the shapes of dockerd's JSON.

import type { PortMapping, Sandbox } from "./controller.ts";

/** Ports that are published and exposed, and name servers. */
export type SandboxLabels = Pick<Sandbox, "mappings" | "exposed" | "dns">;

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Go's []byte. */
export const encodeMac = (address: string): string =>
  Buffer.from(address.replaceAll(":", ""), "hex").toString("base64");

export const sandboxOptions = ({ mappings = [], exposed = [] }: SandboxLabels) => ({
  "com.docker.network.endpoint.exposedports": exposed.flatMap(readExposed),
  "com.docker.network.portmap": mappings.flatMap(bindingsOf),
});

/** "80/tcp", "8000-8010/udp" */
function readExposed(text: string) {
  const [, first = "", last = first, name = "tcp"] =
    /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (first === "" || !isProtocol(name)) return [];
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: count }, (_, index) => ({
    Proto: PROTOCOLS[name],
    Port: Number(first) + index,
  }));
}

const isProtocol = (name: string): name is keyof typeof PROTOCOLS => name in PROTOCOLS;

/** One for each port of a range. */
function bindingsOf({ proto, containerPort, containerPortEnd, hostIp, hostPort, hostPortEnd }: PortMapping) {
  const count = (containerPortEnd ?? containerPort) - containerPort + 1;
  return Array.from({ length: count }, (_, index) => ({
    Proto: PROTOCOLS[proto],
    IP: "",
    Port: containerPort + index,
    HostIP: hostIp,
    HostPort: hostPort === 0 ? 0 : hostPort + index,
    HostPortEnd: containerPortEnd === undefined ? (hostPortEnd ?? hostPort) : hostPort + index,
  }));
}
