// Whether a process of the host has a port of a range: the kernel is asked for all its sockets at once, as nobody can bind ten thousand.

import { type Family, type IpAddress, parseAddress } from "#formats/ip-prefix.ts";
import { type BoundSocket, decodeSocket, dumpSockets, NETLINK_SOCK_DIAG } from "#formats/socket-diag.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { PortMapping } from "../controller.ts";
import type { PortSpan } from "./port-book.ts";

const ENOENT = 2;
const never = new AbortController().signal;

const query = (proto: PortMapping["proto"], family: Family): Op => ({
  op: "netlink",
  why: `sockets of ${proto}`,
  protocol: NETLINK_SOCK_DIAG,
  messages: [dumpSockets(proto, family)],
  ignoreErrno: [ENOENT],
});

const isEvery = ({ value }: IpAddress): boolean => value === 0n;

/** bind(2) of the address would fail with EADDRINUSE while there is the socket. */
function collides({ address, onlyIpv6 }: BoundSocket, wanted: IpAddress): boolean {
  if (address.family === wanted.family)
    return isEvery(address) || isEvery(wanted) || address.value === wanted.value;
  return address.family === 6 && isEvery(address) && !onlyIpv6;
}

export type FindSocket = (
  span: PortSpan & { readonly proto: PortMapping["proto"] },
) => Promise<number | undefined>;

/** The first port of the span that somebody has. */
export const findSocketBy =
  (executor: Pick<Executor, "run">): FindSocket =>
  async ({ proto, hostIp, first, last }) => {
    const wanted = parseAddress(hostIp);
    const families: readonly Family[] = wanted.family === 4 ? [4, 6] : [6];
    const result = await executor.run(
      families.map((family) => query(proto, family)),
      never,
    );
    const ports = repliesOf(result)
      .map(decodeSocket)
      .flatMap((socket) => (socket !== undefined && collides(socket, wanted) ? [socket.port] : []))
      .filter((port) => port >= first && port <= last);
    return ports.length === 0 ? undefined : Math.min(...ports);
  };
