import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { NetworkDriver } from "./drivers/driver.ts";
import { nothing } from "./drivers/plain-driver.ts";
import { nullIpam } from "./ipam/null-ipam.ts";
import { NetworkRegistry } from "./network-registry.ts";
import type { NetworkRecord, NetworkSpec } from "./network-spec.ts";
import { NetworkStore } from "./network-store.ts";

const { signal } = new AbortController();

const recordOf = (name: string): NetworkRecord => ({
  ...{ name, id: name.padEnd(64, "0"), createdAt: 0, driver: "fake", options: {}, labels: {}, facts: {} },
  ...{ internal: false, attachable: false, enableIpv4: true, enableIpv6: false, pools: [] },
  ...{ ipam: { driver: "null", options: null, config: [] }, configOnly: false, configFrom: "" },
});

const specOf = (name: string): NetworkSpec => {
  const { id: _id, createdAt: _createdAt, pools: _pools, facts: _facts, ...spec } = recordOf(name);
  return spec;
};

/** A registry whose store has a network that was kept and one that was half made, and what its driver is asked for. No two networks of the
 *  driver begin with the same letter. */
function registryWith(undo: DisposableStack, failing: string) {
  const folder = mkdtempSync(join(tmpdir(), "gantry-registry-"));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const store = NetworkStore.open(folder, undo);
  for (const name of ["half", "kept"]) store.addMaking(recordOf(name));
  store.markReady(recordOf("kept").id);
  const calls: string[] = [];
  const driver: NetworkDriver = {
    ipam: "null",
    needsGateway: () => false,
    prepare: async () => ({}),
    checkConflict: ({ name }, others) => {
      if (others.some((other) => other.name[0] === name[0])) throw new Error("conflict");
    },
    open: async ({ name }) => {
      calls.push(`open ${name}`);
      const close = async (): Promise<void> => {
        await setImmediate();
        calls.push(`close ${name}`);
      };
      return { ...nothing, repair: async () => void calls.push(`repair ${name}`), close };
    },
    clear: async ({ name }) => {
      calls.push(`clear ${name}`);
      if (name === failing) throw new Error("busy");
    },
  };
  const warnings: string[] = [];
  const registry = new NetworkRegistry({
    store,
    drivers: new Map([["fake", driver]]),
    ipam: new Map([["null", nullIpam]]),
    remoteDriver: () => assert.fail("there is no plugin"),
    remoteIpam: () => assert.fail("there is no plugin"),
    background: () => {},
    warn: (message) => warnings.push(message),
  });
  return { registry, store, calls, warnings };
}

test("what is left of a half-made network goes when the others have what they share with it", async () => {
  using undo = new DisposableStack();
  const { registry, store, calls } = registryWith(undo, "");
  await registry.load();
  assert.deepEqual(calls, ["open kept", "clear half", "repair kept"]);
  assert.deepEqual(
    registry.all().map(({ record }) => record.name),
    ["kept"],
  );
  assert.deepEqual(store.load().half, []);
});

test("what cannot be removed does not keep the daemon from its start, and is tried again at the next", async () => {
  using undo = new DisposableStack();
  const { registry, store, warnings } = registryWith(undo, "half");
  await registry.load();
  assert.match(warnings.join(), /what is left of network half cannot be removed: Error: busy/);
  assert.deepEqual(
    store.load().half.map(({ name }) => name),
    ["half"],
  );
});

test("of two networks that do not go together and are made at once one is refused", async () => {
  using undo = new DisposableStack();
  const { registry } = registryWith(undo, "");
  const made = await Promise.allSettled(["x1", "x2"].map((name) => registry.create(specOf(name), signal)));
  assert.deepEqual(made.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  await registry.create(specOf("y"), signal);
});

test("a network is made when what is going is gone: it may have its interface", async () => {
  using undo = new DisposableStack();
  const { registry, calls } = registryWith(undo, "");
  const removal = registry.remove(await registry.create(specOf("x1"), signal));
  await registry.create(specOf("x2"), signal);
  await removal;
  assert.deepEqual(calls, ["open x1", "close x1", "open x2"]);
});
