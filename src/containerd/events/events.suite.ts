// What every event exchange must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TaskExitSchema } from "#proto/gen/events_pb.ts";
import { packMessage } from "../protobuf.ts";
import { scope, type TestContainerd } from "../testing/test-containerd.ts";
import type { EventExchange } from "./events.ts";
import { decodeTaskExit } from "./messages.ts";

const exit = packMessage(TaskExitSchema, { containerId: "web", id: "web", pid: 7, exitStatus: 3 });

export function eventsSuite(title: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (services: TestContainerd["services"]) => Promise<void>): void =>
    void test(`${title}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services);
    });

  on("subscribers get what is published after they came, in order", async ({ events }) => {
    await events.publish(scope, "/before", exit);
    const seen = take(events, [], 3);
    await seen.ready;
    for (const topic of ["/a", "/b/c", "/tasks/exit"]) await events.publish(scope, topic, exit);
    assert.deepEqual(
      (await seen.envelopes).map(({ topic, namespace }) => [topic, namespace]),
      [
        ["/a", "test"],
        ["/b/c", "test"],
        ["/tasks/exit", "test"],
      ],
    );
  });

  on("filters look at topic, namespace and the event's fields", async ({ events }) => {
    const seen = take(events, ["topic==/tasks/exit,event.container_id==web", "namespace==other"], 2);
    await seen.ready;
    await events.publish(scope, "/tasks/start", exit);
    await events.publish(scope, "/tasks/exit", packMessage(TaskExitSchema, { containerId: "db" }));
    await events.publish(scope, "/tasks/exit", exit);
    await events.publish({ namespace: "other" }, "/x", exit);
    const [first, second] = await seen.envelopes;
    assert.equal(first && decodeTaskExit(first.event)?.exitCode, 3);
    assert.equal(second?.topic, "/x");
  });

  on("the layer tells of its own changes", async ({ events, snapshots }) => {
    const seen = take(events, ["topic~=^/snapshot/"], 3);
    await seen.ready;
    await snapshots.prepare(scope, "key", "", {});
    await snapshots.commit(scope, "name", "key", {});
    await snapshots.remove(scope, "name");
    assert.deepEqual(
      (await seen.envelopes).map(({ topic, event }) => [topic, event.typeUrl]),
      [
        ["/snapshot/prepare", "containerd.events.SnapshotPrepare"],
        ["/snapshot/commit", "containerd.events.SnapshotCommit"],
        ["/snapshot/remove", "containerd.events.SnapshotRemove"],
      ],
    );
  });

  on("a subscription ends with its signal", async ({ events }) => {
    const controller = new AbortController();
    const all = Array.fromAsync(events.subscribe([], controller.signal));
    controller.abort();
    assert.deepEqual(await all, []);
  });

  on("topics are paths", async ({ events }) => {
    for (const topic of ["", "tasks", "/", "/a/", "/../x"])
      await assert.rejects(events.publish(scope, topic, exit), /topic/, topic);
  });
}

/** Subscribes; `ready` resolves when a probe has come through. */
function take(events: EventExchange, filters: readonly string[], count: number) {
  const controller = new AbortController();
  const ready = Promise.withResolvers<void>();
  const collect = async () => {
    const found = [];
    const all = filters.length === 0 ? [] : [...filters, "topic==/probe"];
    for await (const envelope of events.subscribe(all, controller.signal)) {
      if (envelope.topic === "/probe") ready.resolve();
      else if (found.push(envelope) === count) return found;
    }
    return found;
  };
  const envelopes = collect().finally(() => controller.abort());
  const probe = async () => {
    let done = false;
    void ready.promise.then(() => {
      done = true;
    });
    while (!done) {
      await events.publish(scope, "/probe", exit);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { envelopes, ready: probe() };
}
