// Tells when somebody else has changed rules of the host: the kernel says so, nobody looks now and then.

import { setTimeout as delay } from "node:timers/promises";
import { NETLINK_NETFILTER } from "#formats/netlink/message.ts";
import type { Executor } from "#kernel/plan/executor.ts";

const NFNLGRP_NFTABLES = 7;
const SUBSCRIPTION = 0;
/** Who loads many rules one by one is waited for so long before each look. */
const PAUSE_MS = 50;

/** Yields after each change, until the signal is aborted. A change that comes while the loop's body runs is told at its end. */
export async function* watchRules(
  executor: Pick<Executor, "run" | "hold">,
  signal: AbortSignal,
): AsyncGenerator<void> {
  await using holder = await executor.hold(
    [
      {
        op: "subscribe",
        why: "changes of rules",
        protocol: NETLINK_NETFILTER,
        group: NFNLGRP_NFTABLES,
        slot: SUBSCRIPTION,
      },
    ],
    signal,
  );
  while (!signal.aborted) {
    await executor.run(
      [{ op: "awaitRuleChange", why: "changes of rules", pid: holder.pid, slot: SUBSCRIPTION }],
      signal,
    );
    await delay(PAUSE_MS, undefined, { signal });
    yield;
  }
}
