// Datagrams have no end: as long as somebody sends them, the kernel takes them where it took the first one, whatever the rules have become
// since. So what went elsewhere before a port was published is forgotten then.

import {
  type Connection,
  decodeConnection,
  dumpConnections,
  forgetConnection,
  forgetPort,
} from "#formats/conntrack.ts";
import { type Family, parseAddress } from "#formats/ip-prefix.ts";
import { NETLINK_NETFILTER } from "#formats/netlink/message.ts";
import type { Executor, PlanResult } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Publication } from "./published.ts";

const ENOENT = 2;
const UDP = 17;
const never = new AbortController().signal;

/** Best effort: a kernel that does not follow connections has none to forget. */
export const forget = (messages: readonly Uint8Array[]): Plan =>
  messages.length === 0
    ? []
    : [
        {
          op: "netlink",
          why: "connections of before",
          protocol: NETLINK_NETFILTER,
          messages,
          ignoreErrno: [ENOENT],
          mayFail: true,
        },
      ];

const familyOf = ({ hostIp }: Publication["port"]): Family => (hostIp.includes(":") ? 6 : 4);

const followed = (family: Family): Op => ({
  op: "netlink",
  why: "connections",
  protocol: NETLINK_NETFILTER,
  messages: [dumpConnections(family)],
  mayFail: true,
});

const connectionsOf = (result: PlanResult): readonly Connection[] =>
  repliesOf(result)
    .map(decodeConnection)
    .filter((connection) => connection !== undefined);

/** Is what the connection's first datagram was sent to, and went elsewhere. */
const isAstray = (connection: Connection, { port, containerAddress }: Publication): boolean =>
  connection.protocol === UDP &&
  connection.family === familyOf(port) &&
  connection.port >= port.hostPort &&
  connection.port <= (port.hostPortEnd ?? port.hostPort) &&
  connection.answering?.value !== parseAddress(containerAddress).value;

/** Datagrams to ports that have just been published go where they lead, those of old senders, too. */
export async function redirectFlows(
  executor: Pick<Executor, "run">,
  publications: readonly Publication[],
): Promise<void> {
  const udp = publications.filter(({ port }) => port.proto === "udp" && port.hostPort !== 0);
  if (udp.length === 0) return;
  const ranges = udp.filter(({ port }) => port.hostPortEnd !== undefined);
  const single = udp
    .filter(({ port }) => port.hostPortEnd === undefined)
    .flatMap(({ port }) => forget([forgetPort(familyOf(port), UDP, port.hostPort)]));
  const families = new Set(ranges.map(({ port }) => familyOf(port)));
  const found = await executor.run([...single, ...[...families].map(followed)], never);
  if (ranges.length === 0) return;
  const astray = connectionsOf(found).filter((connection) =>
    ranges.some((publication) => isAstray(connection, publication)),
  );
  await executor.run(
    astray.flatMap((connection) => forget([forgetConnection(connection)])),
    never,
  );
}
