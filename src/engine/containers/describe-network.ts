// A container's networks as inspect and ps show them.

import { isKind } from "#base/errors.ts";
import type { BoundPort, Endpoint, NetworkController } from "#network/controller.ts";
import { parsePort } from "./ports.ts";
import { type ContainerRecord, type ContainerState, hasStarted } from "./record.ts";
import type { Container } from "./store.ts";

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
>;

/** The key in `Networks`: "default" is the bridge. */
export const networkName = ({ hostConfig }: Pick<ContainerRecord, "hostConfig">): string =>
  hostConfig.NetworkMode === "default" ? "bridge" : hostConfig.NetworkMode;

export interface EndpointShown {
  readonly [field: string]: unknown;
}

export function describeEndpoints(
  networks: Pick<NetworkController, "get">,
  { record, state }: Container,
): Readonly<Record<string, EndpointShown>> {
  const name = networkName(record);
  if (name.startsWith("container:")) return {};
  const asked = record.endpoints[record.hostConfig.NetworkMode];
  const endpoint = state.network?.sandbox.endpoint;
  const shown = {
    IPAMConfig: asked?.IPAMConfig ?? null,
    Links: asked?.Links ?? null,
    Aliases: asked?.Aliases ?? null,
    MacAddress: endpoint?.macAddress ?? asked?.MacAddress ?? "",
    DriverOpts: asked?.DriverOpts ?? null,
    GwPriority: asked?.GwPriority ?? 0,
    NetworkID: shownNetworkId(networks, { record, state }),
    EndpointID: endpoint?.endpointId ?? "",
    Gateway: endpoint?.gateway ?? "",
    IPAddress: endpoint?.ipv4 ?? "",
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: isUserDefined(name) ? [record.name, ...(asked?.Aliases ?? []), record.id.slice(0, 12)] : null,
  };
  return { [name]: shown };
}

export const isUserDefined = (network: string): boolean =>
  !["default", "bridge", "host", "none"].includes(network);

/** As with Docker, a container that never ran has not looked its network up: "". */
export function shownNetworkId(
  networks: Pick<NetworkController, "get">,
  { record, state }: Pick<Container, "record" | "state">,
): string {
  const endpoint = state.network?.sandbox.endpoint;
  if (endpoint !== undefined) return endpoint.networkId;
  const name = networkName(record);
  if (!hasStarted(state) || name.startsWith("container:")) return "";
  try {
    return networks.get(name).id;
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    return "";
  }
}

export function describeNetworkSettings(
  networks: Pick<NetworkController, "get">,
  container: Container,
  minor: number,
): Readonly<Record<string, unknown>> {
  const { state, record } = container;
  const endpoint = state.network?.sandbox.endpoint;
  const settings = {
    SandboxID: state.network?.sandbox.id ?? "",
    SandboxKey: state.network?.sandbox.path ?? "",
    Ports: describeBindings(record, state),
    Networks: describeEndpoints(networks, container),
  };
  if (minor >= 52) return settings;
  return {
    Bridge: "",
    ...settings,
    ...legacyFields(networkName(record) === "bridge" ? endpoint : undefined),
  };
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
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  IPAddress: endpoint?.ipv4 ?? "",
  IPPrefixLen: endpoint?.prefixLength ?? 0,
  IPv6Gateway: "",
  MacAddress: endpoint?.macAddress ?? "",
});

/** Every address of both families is told as one of each. */
const addressesOf = ({ hostIp }: BoundPort): readonly string[] =>
  hostIp === "" ? ["0.0.0.0", "::"] : [hostIp];

function describeBindings(record: ContainerRecord, state: ContainerState): Bindings {
  if (state.network === null) return {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const key of Object.keys(record.config.ExposedPorts ?? {})) {
    const { proto, first, last } = parsePort(key);
    for (let port = first; port <= last; port++) bindings[`${port}/${proto}`] = null;
  }
  for (const port of state.network.sandbox.endpoint?.ports ?? []) {
    const key = `${port.containerPort}/${port.proto}`;
    const shown = addressesOf(port).map((HostIp) => ({ HostIp, HostPort: String(port.hostPort) }));
    bindings[key] = [...(bindings[key] ?? []), ...shown];
  }
  return bindings;
}

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
      PublicPort: Number(HostPort),
      Type: proto,
    }));
  });
}
