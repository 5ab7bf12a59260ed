// The removal of network interfaces, by a process that is left behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessages, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import {
  createBridge,
  createVeth,
  decodeLink,
  deleteLink,
  deleteLinkAt,
  dumpLinks,
} from "#formats/rtnetlink/links.ts";
import type { PlanResult } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { failureOf, why } from "./jail.ts";
import { never, skip, startNativeMachine } from "./native-machine.ts";

const ownNetwork = why({ op: "unshare", flags: 0x4000_0000 });
const ask = (...messages: readonly Uint8Array[]): Op =>
  why({ op: "netlink", protocol: NETLINK_ROUTE, messages });
const remove = (message: Uint8Array): Op => why({ op: "removeLink", message });

/** Names of the interfaces that the operation was told of. */
const namesIn = (result: PlanResult, operation: number): readonly string[] =>
  (result.get(operation) ?? [])
    .flatMap((bytes) => decodeMessages(bytes))
    .flatMap((message) => decodeLink(message)?.name ?? []);

test("an interface, and the other end of its pair, are gone when the plan goes on; one that is not there is no failure", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const pair = createVeth({ name: "one", index: 70 }, { name: "other", index: 71 });
  const result = await machine.executor.run(
    [
      ownNetwork,
      ask(createBridge({ name: "bridge", index: 72 }), pair, dumpLinks()),
      remove(deleteLink("one")),
      ask(dumpLinks()),
      remove(deleteLink("one")),
      ask(pair), // names and numbers are free
      remove(deleteLinkAt(71)),
      remove(deleteLink("bridge")),
      ask(dumpLinks()),
    ],
    never,
  );
  assert.deepEqual(namesIn(result, 1).toSorted(), ["bridge", "lo", "one", "other"]);
  assert.deepEqual(namesIn(result, 3).toSorted(), ["bridge", "lo"]);
  assert.deepEqual(namesIn(result, 8), ["lo"]);
});

test("what the kernel does not remove is told as it says it", { skip }, async () => {
  await using machine = await startNativeMachine();
  const { call, code } = await failureOf(machine, [ownNetwork, remove(deleteLink("lo"))]);
  assert.deepEqual([call, code], ["netlink", "EOPNOTSUPP"]);
});

test("a kernel that only acknowledges a removal is waited for", { skip }, async () => {
  await using machine = await startNativeMachine();
  const message = Buffer.from(deleteLink("one"));
  message.writeUInt16LE(message.readUInt16LE(6) & ~8, 6); // as if it did not know NLM_F_ECHO here
  const pair = createVeth({ name: "one" }, { name: "other" });
  const result = await machine.executor.run(
    [ownNetwork, ask(pair), remove(message), ask(dumpLinks())],
    never,
  );
  assert.deepEqual(namesIn(result, 3), ["lo"]);
});
