// How a container is connected: decided from its settings before anything is made.

import { randomBytes } from "node:crypto";
import { conflict, invalid } from "#base/errors.ts";
import { findMac } from "#formats/mac-address.ts";
import type { AttachRequest, EndpointRequest } from "#network/controller.ts";
import type { EndpointConfig } from "#spec/container-config.ts";
import { containerOf } from "./namespace-modes.ts";
import { isUserDefined } from "./network-names.ts";
import { parseLink } from "./parse-link.ts";
import { planPorts } from "./ports.ts";
import type { ContainerRecord } from "./record.ts";
import type { ContainerStore } from "./store.ts";

export type NetworkPlan =
  | { readonly kind: "host" }
  /** Joins another container's namespace. */
  | { readonly kind: "join"; readonly path: string; readonly donor: string }
  | { readonly kind: "own"; readonly request: AttachRequest };

export function planNetwork(containers: Pick<ContainerStore, "get">, record: ContainerRecord): NetworkPlan {
  const mode = record.hostConfig.NetworkMode;
  if (mode === "host") return { kind: "host" };
  const donor = containerOf(mode);
  if (donor !== undefined) return planJoin(containers, donor);
  const disabled = record.config.NetworkDisabled === true || mode === "none";
  const networks = Object.entries(record.networks);
  return {
    kind: "own",
    request: {
      sandboxId: randomBytes(32).toString("hex"),
      endpoints: disabled
        ? [{ network: "none", endpointId: randomBytes(32).toString("hex"), endpointName: record.name }]
        : networks.map(([name, endpoint]) => planEndpoint(record, name, endpoint)),
      ports: disabled ? [] : planPorts(record.config, record.hostConfig),
      exposed: disabled ? [] : Object.keys(record.config.ExposedPorts ?? {}),
    },
  };
}

/** As Docker: a network that was made anew with the name of a removed one is another. */
export const networkReference = (name: string, { NetworkID: id = "" }: EndpointConfig): string =>
  isUserDefined(name) && id !== "" ? id : name;

/** One endpoint of a container on the network of this name, as it is asked for. */
export function planEndpoint(
  record: Pick<ContainerRecord, "id" | "name" | "config">,
  name: string,
  endpoint: EndpointConfig,
): EndpointRequest {
  const { IPAMConfig: ipam, MacAddress: mac, DriverOpts: options, GwPriority: priority } = endpoint;
  const ipv4 = ipam?.IPv4Address ?? "";
  const ipv6 = ipam?.IPv6Address ?? "";
  const linkLocal = ipam?.LinkLocalIPs ?? [];
  if (ipv4 + ipv6 !== "" && !isUserDefined(name))
    throw invalid("user specified IP address is supported on user defined networks only");
  return {
    network: networkReference(name, endpoint),
    endpointId: randomBytes(32).toString("hex"),
    endpointName: record.name,
    ...(ipv4 !== "" && { ipv4 }),
    ...(ipv6 !== "" && { ipv6 }),
    ...(linkLocal.length > 0 && { linkLocal }),
    ...(mac !== "" && { macAddress: findMac(mac) ?? mac }),
    ...(isUserDefined(name) && { names: endpointNames(record, endpoint), links: linksOf(endpoint) }),
    ...(options !== null && { driverOptions: options }),
    ...(priority !== 0 && { gatewayPriority: priority }),
  };
}

/** What neighbours on a user-defined network find the container by. */
export const endpointNames = (
  { id, name, config }: Pick<ContainerRecord, "id" | "name" | "config">,
  { Aliases: aliases }: Pick<EndpointConfig, "Aliases">,
): readonly string[] => [...new Set([name, ...(aliases ?? []), id.slice(0, 12), config.Hostname])];

const linksOf = ({ Links: links }: Pick<EndpointConfig, "Links">): Readonly<Record<string, string>> =>
  Object.fromEntries((links ?? []).map(parseLink).map(({ name, alias }) => [alias, name]));

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
