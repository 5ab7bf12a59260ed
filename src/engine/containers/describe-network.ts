// A container's networks as inspect and ps show them.

import type { BoundPort, Endpoint, NetworkController } from "#network/controller.ts";
import { hasGateway } from "#network/endpoint-order.ts";
import type { EndpointConfig } from "#spec/container-config.ts";
import { inKeyOrder } from "#spec/port-ranges.ts";
import { isUserDefined } from "./network-names.ts";
import { endpointNames } from "./network-plan.ts";
import { parsePort } from "./ports.ts";
import { type ContainerRecord, type ContainerState, hasStarted } from "./record.ts";
import type { Container } from "./store.ts";

type Networks = Pick<NetworkController, "find">;

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
>;

export interface EndpointShown {
  readonly [field: string]: unknown;
}

/** The endpoint that a container has on the network of this name, while it runs. */
export const endpointOn = ({ network }: ContainerState, name: string): Endpoint | undefined =>
  network?.sandbox.endpoints.find(({ networkName }) => networkName === name);

/** `minor`: before 1.45 what the engine adds to the names was told as aliases. */
function describeEndpoints(
  networks: Networks,
  container: Pick<Container, "record" | "state">,
  minor: number,
): Readonly<Record<string, EndpointShown>> {
  return Object.fromEntries(
    Object.entries(container.record.networks).map(([name, asked]) => [
      name,
      describeEndpoint(networks, container, { name, asked, minor }),
    ]),
  );
}

/** A list tells less of each: not what was asked for, but for addresses. */
export function listEndpoints(
  networks: Networks,
  container: Pick<Container, "record" | "state">,
): Readonly<Record<string, EndpointShown>> {
  const hidden = { Links: null, Aliases: null, DriverOpts: null, DNSNames: null };
  return Object.fromEntries(
    Object.entries(container.record.networks).map(([name, asked]) => [
      name,
      { ...describeEndpoint(networks, container, { name, asked, minor: 45 }), ...hidden },
    ]),
  );
}

function describeEndpoint(
  networks: Networks,
  { record, state }: Pick<Container, "record" | "state">,
  { name, asked, minor }: { readonly name: string; readonly asked: EndpointConfig; readonly minor: number },
): EndpointShown {
  const endpoint = endpointOn(state, name);
  const isKnown = isUserDefined(name) && (endpoint !== undefined || hasStarted(state));
  const ids = [record.id.slice(0, 12), record.config.Hostname];
  const aliases =
    minor < 45 && isUserDefined(name) ? [...new Set([...(asked.Aliases ?? []), ...ids])] : asked.Aliases;
  return {
    IPAMConfig: asked.IPAMConfig,
    Links: asked.Links,
    Aliases: aliases,
    MacAddress: endpoint?.macAddress ?? asked.MacAddress,
    DriverOpts: asked.DriverOpts,
    GwPriority: asked.GwPriority,
    NetworkID: shownNetworkId(networks, { record, state }, name),
    EndpointID: endpoint?.endpointId ?? "",
    Gateway: endpoint?.gateway ?? "",
    IPAddress: endpoint?.ipv4 ?? "",
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: endpoint?.ipv6Gateway ?? "",
    GlobalIPv6Address: endpoint?.ipv6 ?? "",
    GlobalIPv6PrefixLen: endpoint?.ipv6PrefixLength ?? 0,
    DNSNames: isKnown ? endpointNames(record, asked) : null,
  };
}

/** As with Docker, a container that never ran has not looked its network up: "". */
function shownNetworkId(
  networks: Networks,
  { record, state }: Pick<Container, "record" | "state">,
  name: string,
): string {
  const known = endpointOn(state, name)?.networkId ?? record.networks[name]?.NetworkID ?? "";
  if (known !== "") return known;
  return hasStarted(state) ? (networks.find(name)?.id ?? "") : "";
}

/** Of all its networks. */
export const shownNetworkIds = (networks: Networks, container: Pick<Container, "record" | "state">): string =>
  Object.keys(container.record.networks)
    .map((name) => shownNetworkId(networks, container, name))
    .join(" ");

export function describeNetworkSettings(
  networks: Networks,
  container: Container,
  minor: number,
): Readonly<Record<string, unknown>> {
  const { state, record } = container;
  const settings = {
    SandboxID: state.network?.sandbox.id ?? "",
    SandboxKey: state.network?.sandbox.path ?? "",
    Ports: inKeyOrder(Object.entries(describeBindings(record, state))),
    Networks: describeEndpoints(networks, container, minor),
  };
  if (minor >= 52) return settings;
  return { Bridge: "", ...settings, ...legacyFields(endpointOn(state, "bridge")) };
}

/** Before 1.52 the default network's endpoint is told a second time. */
const legacyFields = (endpoint: Endpoint | undefined) => ({
  HairpinMode: false,
  LinkLocalIPv6Address: "",
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
  EndpointID: endpoint?.endpointId ?? "",
  Gateway: endpoint?.gateway ?? "",
  GlobalIPv6Address: endpoint?.ipv6 ?? "",
  GlobalIPv6PrefixLen: endpoint?.ipv6PrefixLength ?? 0,
  IPAddress: endpoint?.ipv4 ?? "",
  IPPrefixLen: endpoint?.prefixLength ?? 0,
  IPv6Gateway: endpoint?.ipv6Gateway ?? "",
  MacAddress: endpoint?.macAddress ?? "",
});

/** Every address of both families is told as one of each. */
const addressesOf = ({ hostIp }: BoundPort): readonly string[] =>
  hostIp === "" ? ["0.0.0.0", "::"] : [hostIp];

/** Of all its networks. */
export const boundPorts = ({ network }: ContainerState): readonly BoundPort[] =>
  (network?.sandbox.endpoints ?? []).flatMap(({ ports }) => ports);

function describeBindings(record: ContainerRecord, state: ContainerState): Bindings {
  // As with Docker, ports are shown of what leads out only.
  const isShown = (endpoint: Endpoint): boolean => hasGateway(endpoint) || endpoint.ports.length > 0;
  if (!state.network?.sandbox.endpoints.some(isShown)) return {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const key of Object.keys(record.config.ExposedPorts ?? {})) {
    const { proto, first, last } = parsePort(key);
    for (let port = first; port <= last; port++) bindings[`${port}/${proto}`] = null;
  }
  for (const port of boundPorts(state)) {
    const { proto, containerPort, containerPortEnd = containerPort } = port;
    for (let number = containerPort; number <= containerPortEnd; number++) {
      const key = `${number}/${proto}`;
      bindings[key] = [...(bindings[key] ?? []), ...describePort(port, number - containerPort)];
    }
  }
  return bindings;
}

/** A port of a range, that far in. One that is reached by the container's own address has none of the host. */
const describePort = (port: BoundPort, at: number) =>
  addressesOf(port).map((HostIp) => ({
    HostIp,
    HostPort: port.hostPort === 0 ? "" : String(port.hostPort + at),
  }));

export interface PortShown {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** The list of `ps`: published ports with their addresses, then those that are exposed only. */
export function describePorts({ record, state }: Container): readonly PortShown[] {
  return Object.entries(describeBindings(record, state)).flatMap(([key, list]): readonly PortShown[] => {
    const { proto, first } = parsePort(key);
    if (list === null) return [{ PrivatePort: first, Type: proto }];
    return list.map(({ HostIp, HostPort }) => ({
      IP: HostIp,
      PrivatePort: first,
      ...(HostPort !== "" && { PublicPort: Number(HostPort) }),
      Type: proto,
    }));
  });
}
