import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilters } from "../filters.ts";
import { eventFilter } from "./event-filter.ts";
import type { EngineEvent, EventBus } from "./events.ts";
import { MemoryEvents } from "./memory.ts";

function startBus(): { bus: MemoryEvents; at: (time: bigint) => void } {
  let time = 100n;
  const bus = new MemoryEvents({ now: () => time });
  return {
    bus,
    at: (next) => {
      time = next;
    },
  };
}

const happen = (bus: EventBus, action: string): void =>
  bus.publish({ type: "container", action, actorId: "c1", attributes: {} });

async function take(events: AsyncIterable<EngineEvent>, count: number): Promise<string[]> {
  const actions: string[] = [];
  for await (const event of events) {
    actions.push(event.action);
    if (actions.length === count) break;
  }
  return actions;
}

test("a watcher sees what happens after its call", async () => {
  const { bus } = startBus();
  happen(bus, "create");
  const events = bus.watch({}, new AbortController().signal);
  happen(bus, "start");
  happen(bus, "die");
  assert.deepEqual(await take(events, 2), ["start", "die"]);
  assert.equal(bus.watcherCount, 0);
});

test("since reaches back into the backlog and goes on live", async () => {
  const { bus, at } = startBus();
  happen(bus, "create");
  at(200n);
  happen(bus, "start");
  const events = bus.watch({ since: 150n }, new AbortController().signal);
  at(300n);
  happen(bus, "die");
  assert.deepEqual(await take(events, 2), ["start", "die"]);
});

test("an until in the past ends the answer", async () => {
  const { bus, at } = startBus();
  happen(bus, "create");
  at(200n);
  happen(bus, "start");
  assert.deepEqual(await take(bus.watch({ until: 150n }, new AbortController().signal), 9), ["create"]);
});

test("an until to come ends it by itself", async () => {
  const { bus } = startBus();
  const events = bus.watch({ until: 1_000_100n }, new AbortController().signal);
  happen(bus, "create");
  assert.deepEqual(await take(events, 9), ["create"]);
});

test("an aborted watch ends without an error", async () => {
  const { bus } = startBus();
  const controller = new AbortController();
  const events = take(bus.watch({}, controller.signal), 9);
  controller.abort();
  assert.deepEqual(await events, []);
  assert.equal(bus.watcherCount, 0);
});

test("a watch for a client that is gone already is not kept", () => {
  const { bus } = startBus();
  bus.watch({}, AbortSignal.abort());
  assert.equal(bus.watcherCount, 0);
});

test("events never have the same time", async () => {
  const { bus } = startBus();
  happen(bus, "create");
  happen(bus, "start");
  const times: bigint[] = [];
  for await (const event of bus.watch({ until: 100n }, new AbortController().signal))
    times.push(event.timeNano);
  for await (const event of bus.watch({ since: 101n, until: 100n }, new AbortController().signal))
    times.push(event.timeNano);
  assert.deepEqual(times, [100n]);
});

const event: EngineEvent = {
  type: "container",
  action: "exec_create: ls",
  actorId: "abcdef",
  attributes: { name: "web", image: "busybox:1.36", tier: "front" },
  timeNano: 1n,
};

for (const [filters, seen] of [
  [{}, true],
  [{ type: ["container"] }, true],
  [{ type: ["image"] }, false],
  [{ event: ["exec_create"] }, true],
  [{ event: ["start"] }, false],
  [{ container: ["abc"] }, true],
  [{ container: ["web"] }, true],
  [{ container: ["db"] }, false],
  [{ image: ["busybox"] }, true],
  [{ image: ["busybox:1.36"] }, true],
  [{ image: ["alpine"] }, false],
  [{ label: ["tier=front"] }, true],
  [{ label: ["tier=back"] }, false],
  [{ scope: ["swarm"] }, false],
  [{ network: ["bridge"] }, false],
] as const) {
  test(`${JSON.stringify(filters)} ${seen ? "shows" : "hides"} an exec of a container`, () => {
    assert.equal(eventFilter(parseFilters(JSON.stringify(filters)))(event), seen);
  });
}
