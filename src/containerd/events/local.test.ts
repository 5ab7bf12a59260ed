import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { openTestContainerd, scope } from "../testing/test-containerd.ts";
import { eventsSuite } from "./events.suite.ts";
import { LocalEvents } from "./local.ts";

eventsSuite("local", () => openTestContainerd());

test("a subscription that has ended leaves nothing at its signal", async () => {
  const events = new LocalEvents(() => 0);
  const { signal } = new AbortController();
  const reading = events.subscribe([], signal);
  await events.publish(scope, "/a", { typeUrl: "", value: new Uint8Array() });
  for await (const { topic } of reading) {
    assert.equal(topic, "/a");
    break;
  }
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});
