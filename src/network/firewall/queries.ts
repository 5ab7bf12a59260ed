// What is asked of the kernel's rules.

import { NETLINK_NETFILTER } from "#formats/netlink/message.ts";
import { decodeGeneration, getGeneration } from "#formats/nftables/messages.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";

const ENOENT = 2;

/** No reply if there is no such table. */
export const ask = (why: string, message: Uint8Array): Op => ({
  op: "netlink",
  why,
  protocol: NETLINK_NETFILTER,
  messages: [message],
  ignoreErrno: [ENOENT],
});

export const generationQuery = ask("rule generation", getGeneration());

export const readGeneration = (result: PlanResult): number | undefined =>
  repliesOf(result)
    .map(decodeGeneration)
    .find((generation) => generation !== undefined);
