// How a container is connected: decided from its settings before anything is made.

import { randomBytes } from "node:crypto";
import { isIPv4 } from "node:net";
import { conflict, invalid, unsupported } from "#base/errors.ts";
import type { AttachRequest } from "#network/controller.ts";
import type { EndpointConfigs, HostConfig } from "#spec/container-config.ts";
import { isUserDefined } from "./describe-network.ts";
import { containerOf } from "./namespace-modes.ts";
import { planPorts } from "./ports.ts";
import type { ContainerRecord } from "./record.ts";
import type { ContainerStore } from "./store.ts";

export type NetworkPlan =
  | { readonly kind: "host" }
  /** Joins another container's namespace. */
  | { readonly kind: "join"; readonly path: string; readonly donor: string }
  | { readonly kind: "own"; readonly request: AttachRequest };

/** Throws for what no network of this engine can give. */
export function validateEndpoints({ NetworkMode: mode }: HostConfig, endpoints: EndpointConfigs): void {
  const other = Object.keys(endpoints).find((name) => name !== mode);
  if (other !== undefined) throw unsupported(`--network ${other} beside ${mode}`);
  const { Aliases: aliases, IPAMConfig: ipam } = endpoints[mode] ?? { Aliases: null, IPAMConfig: null };
  if ((aliases ?? []).length > 0 && !isUserDefined(mode))
    throw invalid("network-scoped alias is supported only for containers in user defined networks");
  const ipv4 = ipam?.IPv4Address ?? "";
  if (ipv4 !== "" && !isIPv4(ipv4)) throw invalid(`invalid IPv4 address: ${ipv4}`);
  if (ipam?.IPv6Address) throw unsupported("--ip6");
  if ((ipam?.LinkLocalIPs ?? []).length > 0) throw unsupported("--link-local-ip");
}

export function planNetwork(containers: Pick<ContainerStore, "get">, record: ContainerRecord): NetworkPlan {
  const mode = record.hostConfig.NetworkMode;
  if (mode === "host") return { kind: "host" };
  const donor = containerOf(mode);
  if (donor !== undefined) return planJoin(containers, donor);
  const disabled = record.config.NetworkDisabled === true || mode === "none";
  const network = disabled ? "none" : mode === "default" ? "bridge" : mode;
  const endpoint = record.endpoints[mode];
  const ipv4 = endpoint?.IPAMConfig?.IPv4Address ?? "";
  if (ipv4 !== "" && !isUserDefined(network))
    throw invalid("user specified IP address is supported on user defined networks only");
  return {
    kind: "own",
    request: {
      sandboxId: randomBytes(32).toString("hex"),
      network,
      endpointId: randomBytes(32).toString("hex"),
      endpointName: record.name,
      ports: disabled ? [] : planPorts(record.config, record.hostConfig),
      ...(ipv4 !== "" && { ipv4 }),
      ...(endpoint !== undefined && endpoint.MacAddress !== "" && { macAddress: endpoint.MacAddress }),
    },
  };
}

function planJoin(containers: Pick<ContainerStore, "get">, reference: string): NetworkPlan {
  const donor = containers.get(reference);
  if (donor.state.status !== "running" && donor.state.status !== "paused")
    throw conflict(
      `cannot join network namespace of a non running container: container ${donor.record.name} is ${donor.state.status}`,
    );
  const sandbox = donor.state.network?.sandbox;
  const path = sandbox === undefined ? `/proc/${donor.state.pid}/ns/net` : sandbox.path;
  return { kind: "join", path, donor: donor.id };
}

/** Path of the pid namespace to join; undefined for one of its own. */
export function planPidNamespace(
  containers: Pick<ContainerStore, "get">,
  { hostConfig }: ContainerRecord,
): string | undefined {
  const reference = containerOf(hostConfig.PidMode);
  if (reference === undefined) return undefined;
  const donor = containers.get(reference);
  if (donor.state.status !== "running")
    throw conflict(
      `cannot join PID of a non running container: container ${donor.record.name} is ${donor.state.status}`,
    );
  return `/proc/${donor.state.pid}/ns/pid`;
}
