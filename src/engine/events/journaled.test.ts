import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseFilters } from "../filters.ts";
import { eventFilter } from "./event-filter.ts";
import type { EngineEvent, EventBus } from "./events.ts";
import { EventJournal } from "./journal.ts";
import { JournaledEvents } from "./journaled.ts";

const rethrow = (error: unknown): never => {
  throw error;
};

function startBus(): { bus: JournaledEvents; at: (time: bigint) => void } {
  let time = 100n;
  // biome-ignore lint/nursery/useDisposables: a database in memory that ends with the test
  const journal = new EventJournal(":memory:", 1000);
  const bus = new JournaledEvents({ clock: { now: () => time }, journal, report: rethrow });
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

test("a watcher that reads slowly misses nothing that the journal still has", async () => {
  const { bus } = startBus();
  const events = bus.watch({}, new AbortController().signal);
  for (let n = 0; n < 700; n++) happen(bus, `${n}`);
  const seen = await take(events, 700);
  assert.deepEqual([seen[0], seen[699]], ["0", "699"]);
});

test("events outlive their daemon, the oldest beyond the limit do not", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "gantry-events-"));
  const path = join(folder.path, "events.db");
  const clock = { now: () => 1_790_000_000_000_000_000n };
  {
    using journal = new EventJournal(path, 100);
    const bus = new JournaledEvents({ clock, journal, report: rethrow });
    for (let n = 0; n < 1000; n++) happen(bus, `${n}`);
  }
  using journal = new EventJournal(path, 100);
  const bus = new JournaledEvents({ clock, journal, report: rethrow });
  happen(bus, "later");
  const seen = await take(bus.watch({ since: 0n }, new AbortController().signal), 101);
  assert.deepEqual([seen[0], seen[99], seen[100]], ["900", "999", "later"]);
});

test("an event that cannot be kept is still seen live", async () => {
  using journal = new EventJournal(":memory:", 10);
  const failures: unknown[] = [];
  const bus = new JournaledEvents({
    clock: { now: () => 1n },
    journal,
    report: (error) => failures.push(error),
  });
  const events = bus.watch({}, new AbortController().signal);
  journal[Symbol.dispose]();
  happen(bus, "start");
  const [seen] = bus.watcherCount === 1 ? await take(events, 1) : [];
  assert.equal(seen, "start");
  assert.equal(failures.length, 1);
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
  [{ volume: ["web"] }, true],
  [{ image: ["docker.io/library/busybox"] }, false],
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
