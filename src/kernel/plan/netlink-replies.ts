// What the netlink operations of a plan brought.

import { decodeMessages, type NetlinkMessage } from "#formats/netlink/message.ts";
import type { PlanResult } from "./executor.ts";

/** The replies to all of them, in their order. */
export const repliesOf = (result: PlanResult): readonly NetlinkMessage[] =>
  [...result.values()].flat().flatMap((bytes) => decodeMessages(bytes));
