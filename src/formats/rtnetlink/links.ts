// RTM_*LINK messages: network interfaces (linux/if_link.h, man 7 rtnetlink).

import {
  attribute,
  decodeAttributes,
  nested,
  readText,
  readUint32,
  text,
  u8,
  u32,
} from "../netlink/attributes.ts";
import {
  encodeCreation,
  encodeDump,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_ECHO,
} from "../netlink/message.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_NET_NS_FD = 28;
const IFLA_NEW_IFINDEX = 49;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_LEARNING = 8;
const IFLA_BRPORT_UNICAST_FLOOD = 9;
const IFLA_BRPORT_FLUSH = 24;
const IFLA_BRPORT_MCAST_FLOOD = 27;
const IFLA_BRPORT_BCAST_FLOOD = 30;
const IFLA_BRPORT_ISOLATED = 33;
const VETH_INFO_PEER = 1;
const IFF_UP = 1;

export interface LinkSettings {
  /** How the kernel finds the link of a change; the wish for the number of a new one. */
  readonly index?: number;
  readonly name?: string;
  readonly up?: boolean;
  readonly mtu?: number;
  /** "02:42:ac:11:00:02" */
  readonly macAddress?: string;
  /** Index of the link that a new one is made on. */
  readonly parent?: number;
  /** Index of the bridge it becomes a port of. */
  readonly master?: number;
  /** fd, in the process that sends the message, of the network namespace that the link is put into. */
  readonly netnsFd?: number;
  /** The same by a process that is in it. 0 is filled in later, at NETNS_PID_OFFSET of a message of `changeLink`. */
  readonly netnsPid?: number;
  /** Index in the namespace that it is put into. */
  readonly newIndex?: number;
}

export const NETNS_PID_OFFSET = 36;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly kind: string;
  readonly master: number;
  readonly macAddress: string;
}

const macBytes = (address: string): Uint8Array => Buffer.from(address.replaceAll(":", ""), "hex");

/** struct ifinfomsg and the attributes. */
function linkBody(link: LinkSettings, ...more: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(16);
  const view = new DataView(head.buffer);
  view.setInt32(4, link.index ?? 0, true);
  view.setUint32(8, link.up === true ? IFF_UP : 0, true);
  view.setUint32(12, link.up === undefined ? 0 : IFF_UP, true);
  const parts: Uint8Array[] = [head];
  if (link.netnsPid !== undefined) parts.push(u32(IFLA_NET_NS_PID, link.netnsPid));
  if (link.newIndex !== undefined) parts.push(u32(IFLA_NEW_IFINDEX, link.newIndex));
  if (link.netnsFd !== undefined) parts.push(u32(IFLA_NET_NS_FD, link.netnsFd));
  if (link.macAddress !== undefined) parts.push(attribute(IFLA_ADDRESS, macBytes(link.macAddress)));
  if (link.mtu !== undefined) parts.push(u32(IFLA_MTU, link.mtu));
  if (link.parent !== undefined) parts.push(u32(IFLA_LINK, link.parent));
  if (link.master !== undefined) parts.push(u32(IFLA_MASTER, link.master));
  if (link.name !== undefined) parts.push(text(IFLA_IFNAME, link.name));
  return Buffer.concat([...parts, ...more]);
}

const kind = (name: string): Uint8Array => attribute(IFLA_INFO_KIND, Buffer.from(name));

/** `data`: attributes that belong to the kind. */
export const createLink = (name: string, link: LinkSettings, ...data: readonly Uint8Array[]): Uint8Array =>
  encodeCreation(
    RTM_NEWLINK,
    linkBody(
      link,
      nested(IFLA_LINKINFO, kind(name), ...(data.length === 0 ? [] : [nested(IFLA_INFO_DATA, ...data)])),
    ),
  );

export const createBridge = (link: LinkSettings): Uint8Array => createLink("bridge", link);

/** Both ends at once; `peer.netnsFd` puts the peer into another namespace. */
export const createVeth = (link: LinkSettings, peer: LinkSettings): Uint8Array =>
  createLink("veth", link, nested(VETH_INFO_PEER, linkBody(peer)));

/** Changes what is given of the link with this index, or with this name if there is no index. */
export const changeLink = (link: LinkSettings): Uint8Array =>
  encodeMessage({ type: RTM_NEWLINK, flags: NLM_F_ACK, body: linkBody(link) });

const changePort = (name: string, ...settings: readonly Uint8Array[]): Uint8Array =>
  encodeMessage({
    type: RTM_NEWLINK,
    flags: NLM_F_ACK,
    body: linkBody(
      { name },
      nested(IFLA_LINKINFO, kind("bridge_slave"), nested(IFLA_INFO_SLAVE_DATA, ...settings)),
    ),
  });

/** Lets a bridge send a frame back out of the port it came from. */
export const setHairpin = (name: string, on: boolean): Uint8Array =>
  changePort(name, u8(IFLA_BRPORT_MODE, on ? 1 : 0));

/** Frames are not passed between ports that are isolated. */
export const isolatePort = (name: string): Uint8Array => changePort(name, u8(IFLA_BRPORT_ISOLATED, 1));

/** Nothing is sent to the port any more, and the bridge forgets who was behind it. Takes no grace period, as removing it would;
 *  disabling it would not last: the change itself enables it again. */
export const silencePort = (name: string): Uint8Array =>
  changePort(
    name,
    u8(IFLA_BRPORT_LEARNING, 0),
    u8(IFLA_BRPORT_UNICAST_FLOOD, 0),
    u8(IFLA_BRPORT_MCAST_FLOOD, 0),
    u8(IFLA_BRPORT_BCAST_FLOOD, 0),
    u8(IFLA_BRPORT_ISOLATED, 1),
    attribute(IFLA_BRPORT_FLUSH, new Uint8Array()),
  );

/** Whoever asks is told when it is gone, too, which is before it is acknowledged. */
export const deleteLink = (name: string): Uint8Array =>
  encodeMessage({ type: RTM_DELLINK, flags: NLM_F_ACK | NLM_F_ECHO, body: linkBody({ name }) });

/** ENODEV if there is none. */
export const getLink = (name: string): Uint8Array =>
  encodeMessage({ type: RTM_GETLINK, flags: NLM_F_ACK, body: linkBody({ name }) });

/** By its number. */
export const deleteLinkAt = (index: number): Uint8Array =>
  encodeMessage({ type: RTM_DELLINK, flags: NLM_F_ACK | NLM_F_ECHO, body: linkBody({ index }) });

export const dumpLinks = (): Uint8Array => encodeDump(RTM_GETLINK, linkBody({}));

/** undefined for a message of another kind. */
export function decodeLink(message: NetlinkMessage): Link | undefined {
  if (message.type !== RTM_NEWLINK || message.body.length < 16) return undefined;
  const view = new DataView(message.body.buffer, message.body.byteOffset, message.body.byteLength);
  const attributes = decodeAttributes(message.body.subarray(16));
  const empty = new Uint8Array();
  const info = decodeAttributes(attributes.get(IFLA_LINKINFO) ?? empty);
  return {
    index: view.getInt32(4, true),
    name: readText(attributes.get(IFLA_IFNAME) ?? empty),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    kind: readText(info.get(IFLA_INFO_KIND) ?? empty),
    master: readUint32(attributes.get(IFLA_MASTER) ?? empty),
    macAddress: Array.from(attributes.get(IFLA_ADDRESS) ?? empty, (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join(":"),
  };
}
