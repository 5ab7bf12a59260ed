// The plans that make a sandbox (a bound network namespace), connect it to networks, and remove it.
//
// One process runs the whole plan: it leaves the host's namespace for a new one, comes back to make the links of all networks with
// their far ends in the new one, and goes there again for addresses and routes.

import { NETLINK_NETFILTER, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { encodeBatch, getGeneration, type NftablesMessage } from "#formats/nftables/messages.ts";
import { addAddress } from "#formats/rtnetlink/addresses.ts";
import { changeLink, deleteLink, deleteLinkAt } from "#formats/rtnetlink/links.ts";
import { addDefaultRoute, addRoute, setDefaultRoute } from "#formats/rtnetlink/routes.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { encodeMappings, type IdMaps } from "#spec/id-maps.ts";
import type { NamespaceOwner } from "./controller.ts";
import { isIpv6 } from "./network-spec.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const O_WRONLY = 1;
const MNT_DETACH = 2;
const PROC_SUPER_MAGIC = 0x9fa0;
const ENODEV = 19;
const LOOPBACK_INDEX = 1;
const HOST_SLOT = 0;
/** The sandbox's namespace is open in it while links are made. */
export const SANDBOX_SLOT = 1;
const OWNER_SLOT = 2;

/** A route by an interface: to what is on the link itself where the gateway is "". */
export interface LinkRoute {
  readonly destination: string;
  readonly gateway: string;
}

/** One interface of a sandbox. */
export interface SandboxLink {
  readonly index: number;
  readonly name: string;
  /** Makes it: run in the host's namespace with the sandbox's in SANDBOX_SLOT. */
  readonly host: Plan;
  /** With the lengths of their prefixes. */
  readonly addresses: readonly string[];
  /** Beside those that its addresses give it; each can be reached by those before it. */
  readonly routes?: readonly LinkRoute[];
  /** Neighbours may know another MAC address for its addresses: it tells them. Run inside, at the end. */
  readonly announcement?: Plan;
  /** Routers of a real network may announce themselves to it. */
  readonly acceptsRouters?: boolean;
  /** Paths below /proc/sys, and values. */
  readonly sysctls: readonly { readonly path: string; readonly value: string }[];
}

/** A default route: by a gateway, or by the link itself. */
export interface DefaultRoute {
  readonly linkIndex: number;
  /** "" for the link itself. */
  readonly gateway: string;
  readonly family: 4 | 6;
}

export interface Wiring {
  readonly links: readonly SandboxLink[];
  readonly routes: readonly DefaultRoute[];
  /** Rules to add in the same go; may be empty. */
  readonly rules: readonly NftablesMessage[];
}

/** `missingOk`: a kernel without it has nothing to be told. */
export const writeSysctl = (name: string, value: string, missingOk = true): Op => ({
  op: "write",
  why: `sysctl ${name.replaceAll("/", ".")}`,
  path: `/proc/sys/${name}`,
  flags: O_WRONLY,
  data: Buffer.from(value),
  fsMagic: PROC_SUPER_MAGIC,
  missingOk,
});

const NAMESPACE = "/proc/self/ns/net";

/** Where the user namespace is bound that owns the network namespace of a path, if it has one of its own. */
export const ownerPath = (path: string): string => `${path}.user`;

/** The sandboxes that files of their directory belong to. */
export const sandboxesOf = (files: readonly string[]): readonly string[] => [
  ...new Set(files.map((name) => name.replace(/\.user$/, ""))),
];

export const planBound = (path: string, slot: number): Plan => [
  { op: "touch", why: "sandbox", path, mode: 0o444 },
  { op: "bind", why: "sandbox", sourceSlot: slot, target: path, recursive: false },
];

const planPlain: Plan = [
  { op: "unshare", why: "network namespace", flags: CLONE_NEWNET },
  { op: "open", why: "network namespace", path: NAMESPACE, flags: O_RDONLY, slot: SANDBOX_SLOT },
];

/** Its owner's root is root of the network, too. */
const planOwned = (path: string, owner: NamespaceOwner): Plan => [
  ...("path" in owner ? planOwnedBy(owner.path) : planNewOwner(ownerPath(path), owner.maps)),
  { op: "setns", why: "network namespace", slot: SANDBOX_SLOT, flags: CLONE_NEWNET },
];

const planOwnedBy = (path: string): Plan => [
  { op: "open", why: "user namespace", path, flags: O_RDONLY, slot: OWNER_SLOT },
  { op: "ownedNetwork", why: "network namespace", userSlot: OWNER_SLOT, slot: SANDBOX_SLOT },
];

const planNewOwner = (path: string, { uids, gids }: IdMaps): Plan => [
  {
    op: "userNamespace",
    why: "user namespace",
    uidMap: encodeMappings(uids),
    gidMap: encodeMappings(gids),
    slot: OWNER_SLOT,
    networkSlot: SANDBOX_SLOT,
  },
  ...planBound(path, OWNER_SLOT),
];

/** A new network namespace, bound to `path`. The process is in it at the end. */
const planNamespace = (path: string, owner?: NamespaceOwner): Plan => [
  ...(owner === undefined ? planPlain : planOwned(path, owner)),
  ...planBound(path, SANDBOX_SLOT),
  // No IPv6 inside without an IPv6 address from us: CVE-2024-32473.
  writeSysctl("net/ipv6/conf/all/disable_ipv6", "1"),
];

const loopbackUp = (): Uint8Array => changeLink({ index: LOOPBACK_INDEX, up: true });

/** The network "none". */
export const planIsolatedSandbox = (path: string, owner?: NamespaceOwner): Plan => [
  ...planNamespace(path, owner),
  { op: "netlink", why: "loopback", protocol: NETLINK_ROUTE, messages: [loopbackUp()] },
];

const planNewNamespace = (path: string): Plan => [
  { op: "open", why: "host network", path: NAMESPACE, flags: O_RDONLY, slot: HOST_SLOT },
  ...planNamespace(path),
  { op: "setns", why: "host network", slot: HOST_SLOT, flags: CLONE_NEWNET },
];

const planOpenNamespace = (path: string): Plan => [
  { op: "open", why: "sandbox", path, flags: O_RDONLY, slot: SANDBOX_SLOT },
];

const enterSandbox: Op = {
  op: "setns",
  why: "network namespace",
  slot: SANDBOX_SLOT,
  flags: CLONE_NEWNET,
};

/** `isOpen`: the namespace is there. */
export const planConnectedSandbox = (path: string, wiring: Wiring, isOpen: boolean): Plan => [
  ...(isOpen ? planOpenNamespace(path) : planNewNamespace(path)),
  ...planOutside(wiring),
  enterSandbox,
  ...planInside(wiring, [loopbackUp()], addDefault),
];

/** Adds to a sandbox that is connected already. */
export const planConnection = (path: string, wiring: Wiring): Plan => [
  ...planOpenNamespace(path),
  ...planOutside(wiring),
  enterSandbox,
  ...planInside(wiring, [], replaceDefault),
];

const planOutside = ({ links, rules }: Wiring): Plan => [
  ...links.flatMap(({ host }) => host),
  ...planRules("published ports", rules),
  { op: "netlink", why: "rule generation", protocol: NETLINK_NETFILTER, messages: [getGeneration()] },
];

const hasIpv6 = ({ addresses }: SandboxLink): boolean => addresses.some(isIpv6);

/** The kernel announces what addresses the link has when it comes up, and when its MAC address is set. */
const planNotices = ({ name }: SandboxLink): Plan => [
  writeSysctl(`net/ipv4/conf/${name}/arp_notify`, "1"),
  writeSysctl(`net/ipv6/conf/${name}/ndisc_notify`, "1"),
];

/** The link's own address is used at once, too. Routes are what we say: any neighbour could announce himself as a router. */
const planIpv6 = ({ name, acceptsRouters }: SandboxLink): Plan => [
  writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, "0"),
  writeSysctl(`net/ipv6/conf/${name}/accept_dad`, "0"),
  ...(acceptsRouters === true ? [] : [writeSysctl(`net/ipv6/conf/${name}/accept_ra`, "0")]),
];

function planInside(
  { links, routes }: Wiring,
  before: readonly Uint8Array[],
  encodeDefault: (route: DefaultRoute) => Uint8Array,
): Plan {
  return [
    ...(links.some(hasIpv6) ? [writeSysctl("net/ipv6/conf/lo/disable_ipv6", "0")] : []),
    ...links.flatMap((link) => [
      ...(link.announcement === undefined ? [] : planNotices(link)),
      ...(hasIpv6(link) ? planIpv6(link) : []),
      ...link.sysctls.map(({ path, value }) => writeSysctl(path, value, false)),
    ]),
    {
      op: "netlink",
      why: "address and route",
      protocol: NETLINK_ROUTE,
      messages: [
        ...before,
        ...links.flatMap(({ index, addresses, routes: further = [] }) => [
          // Those that are to be announced are there when it comes up.
          ...addresses.filter((address) => !isIpv6(address)).map((address) => addAddress(index, address)),
          changeLink({ index, up: true }),
          ...addresses.filter(isIpv6).map((address) => addAddress(index, address)),
          ...further.map((route) => encodeRoute(index, route)),
        ]),
        ...routes.map(encodeDefault),
      ],
    },
    ...links.flatMap(({ announcement = [] }) => announcement),
  ];
}

const encodeRoute = (linkIndex: number, { destination, gateway }: LinkRoute): Uint8Array =>
  addRoute(gateway === "" ? { linkIndex, destination } : { linkIndex, destination, gateway });

const addDefault = (route: DefaultRoute): Uint8Array =>
  route.gateway === ""
    ? addRoute({ linkIndex: route.linkIndex, destination: route.family === 4 ? "0.0.0.0/0" : "::/0" })
    : addDefaultRoute(route.gateway, route.linkIndex);

const replaceDefault = (route: DefaultRoute): Uint8Array =>
  setDefaultRoute({ linkIndex: route.linkIndex, gateway: route.gateway, family: route.family });

const removeLink = (what: string, message: Uint8Array): Op => ({
  op: "removeLink",
  why: `remove ${what}`,
  message,
});

/** Of an interface that is gone, too: there is nothing to lead through it. */
const planRoutes = (routes: readonly DefaultRoute[]): Op => ({
  op: "netlink",
  why: "default route",
  protocol: NETLINK_ROUTE,
  messages: routes.map(replaceDefault),
  ignoreErrno: [ENODEV],
});

/** Takes one interface from a sandbox that goes on with others: by its name on the host, or else by its number inside; with neither it is gone already. */
export function planDisconnection(
  path: string,
  link: { readonly index?: number; readonly hostName?: string },
  routes: readonly DefaultRoute[],
): Plan {
  const inside: Plan = [
    ...(link.hostName === undefined && link.index !== undefined
      ? [removeLink("interface", deleteLinkAt(link.index))]
      : []),
    ...(routes.length === 0 ? [] : [planRoutes(routes)]),
  ];
  return [
    ...(link.hostName === undefined ? [] : planLinkRemoval([link.hostName])),
    ...(inside.length === 0 ? [] : [...planOpenNamespace(path), enterSandbox, ...inside]),
  ];
}

/** One batch; nothing if there is nothing to do. */
export const planRules = (why: string, rules: readonly NftablesMessage[]): Plan =>
  rules.length === 0
    ? []
    : [{ op: "netlink", why, protocol: NETLINK_NETFILTER, messages: encodeBatch(rules) }];

/** Removes sandboxes, or what is left of them. The kernel removes the interfaces with the last user of a namespace. */
export const planRemoval = (paths: readonly string[]): Plan =>
  [...paths, ...paths.map(ownerPath)].flatMap(
    (path): Plan => [
      { op: "umount", why: "sandbox", target: path, flags: MNT_DETACH, mayFail: true },
      { op: "unlink", why: "sandbox", path, missingOk: true },
    ],
  );

/** Of links that are there. */
export const planLinkRemoval = (names: readonly string[]): Plan =>
  names.map((name) => removeLink(name, deleteLink(name)));
