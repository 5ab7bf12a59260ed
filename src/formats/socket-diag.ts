// Which sockets a network namespace has (linux/inet_diag.h, sock_diag(7)).

import { type IpAddress, readAddress } from "./ip-prefix.ts";
import { decodeAttributes } from "./netlink/attributes.ts";
import { encodeDump, type NetlinkMessage } from "./netlink/message.ts";

export const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const REQUEST_SIZE = 56;
const REPLY_SIZE = 72;
const INET_DIAG_SKV6ONLY = 11;
const AF_INET = 2;
const AF_INET6 = 10;
const TCP_LISTEN = 10;
/** Bound, and neither listening nor connected. */
const TCP_BOUND_INACTIVE = 13;

const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;
const ports: Readonly<Record<keyof typeof protocols, number>> = {
  tcp: (1 << TCP_LISTEN) | (1 << TCP_BOUND_INACTIVE),
  udp: 0xffffffff,
  sctp: 1 << TCP_LISTEN,
};

export interface BoundSocket {
  /** All zeros: every address of its family, and of IPv4 too if it is IPv6's and not `onlyIpv6`. */
  readonly address: IpAddress;
  readonly port: number;
  readonly onlyIpv6: boolean;
}

/** Asks for the sockets of a protocol that keep others from binding their ports. ENOENT if the kernel does not have it. */
export function dumpSockets(proto: keyof typeof protocols, family: 4 | 6): Uint8Array {
  const body = new Uint8Array(REQUEST_SIZE);
  body[0] = family === 4 ? AF_INET : AF_INET6;
  body[1] = protocols[proto];
  new DataView(body.buffer).setUint32(4, ports[proto], true);
  return encodeDump(SOCK_DIAG_BY_FAMILY, body);
}

/** undefined for another message. */
export function decodeSocket({ type, body }: NetlinkMessage): BoundSocket | undefined {
  if (type !== SOCK_DIAG_BY_FAMILY || body.length < REPLY_SIZE) return undefined;
  const length = body[0] === AF_INET ? 4 : 16;
  const address = readAddress(body.subarray(8, 8 + length));
  if (address === undefined) return undefined;
  const only = decodeAttributes(body.subarray(REPLY_SIZE)).get(INET_DIAG_SKV6ONLY);
  return {
    address,
    port: new DataView(body.buffer, body.byteOffset).getUint16(4, false),
    onlyIpv6: only?.[0] === 1,
  };
}
