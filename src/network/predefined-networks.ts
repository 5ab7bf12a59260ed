// The networks that every engine has, and the subnets of its default bridge.

import {
  type Family,
  formatAddress,
  formatPrefix,
  holds,
  type Prefix,
  parsePrefix,
  subnetOf,
} from "#formats/ip-prefix.ts";
import type { DefaultBridge } from "#spec/daemon-bridge.ts";
import type { Survey } from "./bridge-survey.ts";
import type { SubnetSetting } from "./ipam/check-subnets.ts";
import type { NetworkSpec } from "./network-spec.ts";

export interface PredefinedSettings {
  /** Name of the default bridge's interface; "none": there is no default bridge. */
  readonly bridge: string;
  readonly defaultBridge: DefaultBridge;
  readonly mtu: number;
  /** Host address of ports published on the default bridge that name none (dockerd's --ip). */
  readonly defaultHostIp: string;
}

const plain: Omit<NetworkSpec, "name" | "driver"> = {
  options: {},
  labels: {},
  internal: false,
  attachable: false,
  enableIpv4: true,
  enableIpv6: false,
  ipam: { driver: "default", options: null, config: [] },
  configOnly: false,
  configFrom: "",
};

/** `survey`: what the host has. */
export function predefinedNetworks(settings: PredefinedSettings, survey: Survey): readonly NetworkSpec[] {
  const { bridge, mtu, defaultBridge } = settings;
  const others: readonly NetworkSpec[] = [
    { ...plain, name: "host", driver: "host" },
    { ...plain, name: "none", driver: "null" },
  ];
  if (bridge === "none") return others;
  const { bip, bip6, fixedCidr, fixedCidr6, gateway, gateway6, ipv6 } = defaultBridge;
  const config = [
    ...bridgeSubnet({ bip, fixedCidr, gateway }, findAddressOf(survey, bridge, 4), "DefaultGatewayIPv4"),
    ...(ipv6
      ? bridgeSubnet(
          { bip: bip6, fixedCidr: fixedCidr6, gateway: gateway6 },
          findAddressOf(survey, bridge, 6),
          "DefaultGatewayIPv6",
        )
      : []),
  ];
  const ours: NetworkSpec = {
    ...plain,
    name: "bridge",
    driver: "bridge",
    enableIpv6: ipv6,
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": String(defaultBridge.icc),
      "com.docker.network.bridge.enable_ip_masquerade": String(defaultBridge.masquerade),
      "com.docker.network.bridge.host_binding_ipv4": settings.defaultHostIp,
      "com.docker.network.bridge.name": bridge,
      "com.docker.network.driver.mtu": String(mtu),
    },
    ipam: { ...plain.ipam, config },
  };
  return [ours, ...others];
}

const LINK_LOCAL = parsePrefix("fe80::/64");

/** The address of an interface, with its prefix; not the one that IPv6 gives it by itself. */
function findAddressOf({ links, addresses }: Survey, name: string, family: Family): Prefix | undefined {
  const link = links.find((other) => other.name === name);
  return addresses.find(
    ({ linkIndex, address }) =>
      linkIndex === link?.index && address.family === family && !holds(LINK_LOCAL, address),
  )?.address;
}

/** As it was configured, else what the bridge has already, unless the subnet for containers is elsewhere by now; with neither one is chosen. */
function bridgeSubnet(
  { bip, fixedCidr, gateway }: Pick<DefaultBridge, "bip" | "fixedCidr" | "gateway">,
  present: Prefix | undefined,
  gatewayName: string,
): readonly SubnetSetting[] {
  const auxiliary: Readonly<Record<string, string>> = gateway === "" ? {} : { [gatewayName]: gateway };
  const range = fixedCidr === "" ? undefined : subnetOf(parsePrefix(fixedCidr));
  const fits = present !== undefined && (range === undefined || holds(subnetOf(present), range));
  const address = bip === "" ? (fits ? present : undefined) : parsePrefix(bip);
  const ranged = range === undefined ? {} : { range: formatPrefix(range) };
  if (address !== undefined)
    return [
      {
        auxiliary,
        subnet: formatPrefix(subnetOf(address)),
        gateway: formatAddress(address),
        ...ranged,
      },
    ];
  if (range !== undefined) return [{ auxiliary, subnet: formatPrefix(range), ...ranged }];
  return gateway === "" ? [] : [{ auxiliary }];
}
