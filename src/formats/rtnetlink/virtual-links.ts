// Links that are made on another link, or of nothing (linux/if_link.h).

import { addressBytes, type IpAddress, parseAddress } from "../ip-prefix.ts";
import { attribute, be16, u8, u16, u32 } from "../netlink/attributes.ts";
import { createLink, type LinkSettings } from "./links.ts";

export const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
export const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 } as const;
export const IPVLAN_FLAGS = { bridge: 0, private: 1, vepa: 2 } as const;

const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
const IFLA_VLAN_ID = 1;
const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_LEARNING = 7;
const IFLA_VXLAN_PORT = 15;
const IFLA_VXLAN_LOCAL6 = 17;

/** On the link `parent`, with a MAC address of its own. */
export const createMacvlan = (link: LinkSettings, mode: keyof typeof MACVLAN_MODES): Uint8Array =>
  createLink("macvlan", link, u32(IFLA_MACVLAN_MODE, MACVLAN_MODES[mode]));

/** On the link `parent`, with its MAC address. */
export const createIpvlan = (
  link: LinkSettings,
  mode: keyof typeof IPVLAN_MODES,
  flag: keyof typeof IPVLAN_FLAGS,
): Uint8Array =>
  createLink(
    "ipvlan",
    link,
    u16(IFLA_IPVLAN_MODE, IPVLAN_MODES[mode]),
    u16(IFLA_IPVLAN_FLAGS, IPVLAN_FLAGS[flag]),
  );

/** The frames of `parent` that carry this tag (802.1Q). */
export const createVlan = (link: LinkSettings, id: number): Uint8Array =>
  createLink("vlan", link, u16(IFLA_VLAN_ID, id));

/** Leads nowhere. */
export const createDummy = (link: LinkSettings): Uint8Array => createLink("dummy", link);

export interface VxlanSettings {
  readonly id: number;
  /** UDP, of all ends. */
  readonly port: number;
  /** Address of this end; "" is that of the route to the other. */
  readonly local: string;
}

/** Learns who is behind which end from what comes from there; what it does not know goes to the ends that its forwarding table names for it. */
export const createVxlan = (link: LinkSettings, { id, port, local }: VxlanSettings): Uint8Array =>
  createLink(
    "vxlan",
    link,
    u32(IFLA_VXLAN_ID, id),
    ...(local === "" ? [] : [localEnd(parseAddress(local))]),
    u8(IFLA_VXLAN_LEARNING, 1),
    be16(IFLA_VXLAN_PORT, port),
  );

const localEnd = (address: IpAddress): Uint8Array =>
  attribute(address.family === 4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, addressBytes(address));
