// The plans that make a sandbox (a bound network namespace), connect it to a bridge, and remove it.
//
// One process runs the whole plan: it leaves the host's namespace for a new one, comes back to make the veth pair with its
// far end in the new one, and goes there again for the address.

import { formatIpv4 } from "#formats/ipv4.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { encodeBatch, getGeneration, type NftablesMessage } from "#formats/nftables/messages.ts";
import { addAddress } from "#formats/rtnetlink/addresses.ts";
import { changeLink, createVeth, deleteLink, setHairpin, silencePort } from "#formats/rtnetlink/links.ts";
import { addDefaultRoute } from "#formats/rtnetlink/routes.ts";
import { type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { encodeMappings, type IdMaps } from "#spec/id-maps.ts";
import type { NamespaceOwner } from "./controller.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const O_WRONLY = 1;
const MNT_DETACH = 2;
const PROC_SUPER_MAGIC = 0x9fa0;
const ENODEV = 19;
const LOOPBACK_INDEX = 1;
const HOST_SLOT = 0;
const SANDBOX_SLOT = 1;
const OWNER_SLOT = 2;

export const INTERFACE_NAME = "eth0";

export interface BridgePort {
  readonly bridgeIndex: number;
  readonly mtu: number;
  readonly hairpin: boolean;
  /** Name of the veth end on the host. */
  readonly hostName: string;
  readonly interfaceIndex: number;
  readonly macAddress: string;
  readonly address: number;
  readonly prefixLength: number;
  readonly gateway: number;
  /** Host end of a removed sandbox with this address whose interfaces are not gone yet. */
  readonly predecessor?: string;
  /** Rules to add in the same go; may be empty. */
  readonly rules: readonly NftablesMessage[];
}

export const writeSysctl = (name: string, value: string): Op => ({
  op: "write",
  why: `sysctl ${name.replaceAll("/", ".")}`,
  path: `/proc/sys/${name}`,
  flags: O_WRONLY,
  data: Buffer.from(value),
  fsMagic: PROC_SUPER_MAGIC,
  missingOk: true,
});

const NAMESPACE = "/proc/self/ns/net";

/** Where the user namespace is bound that owns the network namespace of a path, if it has one of its own. */
export const ownerPath = (path: string): string => `${path}.user`;

/** The sandboxes that files of their directory belong to. */
export const sandboxesOf = (files: readonly string[]): readonly string[] => [
  ...new Set(files.map((name) => name.replace(/\.user$/, ""))),
];

const planBound = (path: string, slot: number): Plan => [
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

/** `isOpen`: the namespace is there. */
export function planBridgedSandbox(path: string, port: BridgePort, isOpen: boolean): Plan {
  const { interfaceIndex, hostName } = port;
  const pair = createVeth(
    { name: hostName, master: port.bridgeIndex, mtu: port.mtu, up: true },
    {
      index: interfaceIndex,
      name: INTERFACE_NAME,
      macAddress: port.macAddress,
      mtu: port.mtu,
      netnsFd: SLOT_BASE + SANDBOX_SLOT,
    },
  );
  return [
    ...(isOpen ? planOpenNamespace(path) : planNewNamespace(path)),
    ...planSilence(port.predecessor),
    {
      op: "netlink",
      why: `veth ${hostName}`,
      protocol: NETLINK_ROUTE,
      messages: port.hairpin ? [pair, setHairpin(hostName, true)] : [pair],
    },
    // The host must not learn routes from a container: CVE-2020-13401.
    writeSysctl(`net/ipv6/conf/${hostName}/accept_ra`, "0"),
    ...planRules("published ports", port.rules),
    { op: "netlink", why: "rule generation", protocol: NETLINK_NETFILTER, messages: [getGeneration()] },
    { op: "setns", why: "network namespace", slot: SANDBOX_SLOT, flags: CLONE_NEWNET },
    {
      op: "netlink",
      why: "address and route",
      protocol: NETLINK_ROUTE,
      messages: [
        loopbackUp(),
        changeLink({ index: interfaceIndex, up: true }),
        addAddress(interfaceIndex, `${formatIpv4(port.address)}/${port.prefixLength}`),
        addDefaultRoute(formatIpv4(port.gateway), interfaceIndex),
      ],
    },
  ];
}

/** An old namespace that still answers for an address would draw its successor's traffic away. */
const planSilence = (hostName: string | undefined): Plan =>
  hostName === undefined
    ? []
    : [
        {
          op: "netlink",
          why: "previous owner of the address",
          protocol: NETLINK_ROUTE,
          messages: [silencePort(hostName)],
          mayFail: true,
        },
      ];

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

export const planLinkRemoval = (names: readonly string[]): Plan =>
  names.length === 0
    ? []
    : [
        {
          op: "netlink",
          why: "remove veth",
          protocol: NETLINK_ROUTE,
          messages: names.map(deleteLink),
          ignoreErrno: [ENODEV],
        },
      ];
