// Volumes whose driver is a plugin that forgets them, or says what it should not.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PluginClient, PluginRefusal } from "../plugins/client.ts";
import { openVolumes } from "./open-volumes.ts";

const directories: string[] = [];
after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});
const { signal } = new AbortController();
const request = { name: "data", driver: "odd", labels: null, options: null };

/** A plugin of the methods that are given; without one of them it says no. */
class FakePlugin extends PluginClient {
  readonly calls: string[] = [];
  readonly answers: Record<string, unknown> = {
    "VolumeDriver.Create": {},
    "VolumeDriver.Get": { Volume: { Name: "data", Mountpoint: "/place" } },
    "VolumeDriver.Remove": {},
    "VolumeDriver.Unmount": {},
  };

  constructor() {
    super({ name: "odd", url: new URL("unix:///nowhere") });
  }

  override async call(method: string): Promise<unknown> {
    this.calls.push(method);
    const answer = this.answers[method];
    if (answer === undefined) throw new PluginRefusal(`${method}: not there`);
    return answer;
  }
}

async function open() {
  const dataRoot = mkdtempSync(join(tmpdir(), "volumes-"));
  directories.push(dataRoot);
  const plugin = new FakePlugin();
  const users: string[] = [];
  const volumes = await openVolumes(
    {
      executor: { run: async () => new Map() },
      events: { publish: () => undefined },
      clock: { now: () => 0n },
      usersOf: () => users,
      plugins: { get: async () => plugin, speaking: async () => ["odd"] },
    },
    dataRoot,
  );
  return { volumes, plugin, users };
}

test("a volume that its plugin has lost is not there, unless a container refers to it", async () => {
  const { volumes, plugin, users } = await open();
  await volumes.create(request, signal);
  plugin.answers["VolumeDriver.Get"] = { Err: "no such volume" };
  users.push("c1");
  await assert.rejects(volumes.get("data", signal), { kind: "notFound" });
  await assert.rejects(volumes.create(request, signal), {
    kind: "conflict",
    message: /found references to volume 'data' in driver 'odd' but the volume was not found in the driver/,
  });
  users.pop();
  await assert.rejects(volumes.get("data", signal), { kind: "notFound" });
  plugin.answers["VolumeDriver.Get"] = { Volume: { Name: "data" } };
  assert.equal((await volumes.create(request, signal)).driver, "odd");
});

for (const [what, answer, message] of [
  ["a path that is not absolute", { Mountpoint: "../x" }, /tells no absolute path: "..\/x"/],
  ["a path with a NUL", { Mountpoint: "/x\0y" }, /tells no absolute path/],
  ["a number", { Mountpoint: 7 }, /answers what is not understood: Mountpoint: expected string, got number/],
  ["a list", [], /answers what is not understood: value: expected object, got array/],
  ["its own words", { Err: "not today" }, /^error while mounting volume '\/place': not today$/],
] as const)
  test(`a mount that is answered by ${what} fails, and is given back`, async () => {
    const { volumes, plugin } = await open();
    await volumes.create(request, signal);
    plugin.answers["VolumeDriver.Mount"] = answer;
    await assert.rejects(volumes.mount("data", "c1"), { message });
    plugin.answers["VolumeDriver.Mount"] = { Mountpoint: "/place" };
    assert.equal(await volumes.mount("data", "c1"), "/place");
    await volumes.unmount("data", "c1");
    await volumes.unmount("data", "c1");
    assert.equal(plugin.calls.at(-1), "VolumeDriver.Unmount");
    await volumes.remove("data");
    assert.equal(plugin.calls.at(-1), "VolumeDriver.Remove");
  });

test("a plugin without capabilities is local, and its list may be missing", async () => {
  const { volumes } = await open();
  assert.equal((await volumes.create(request, signal)).scope, "local");
  const { volumes: listed, warnings } = await volumes.list(signal);
  assert.deepEqual(
    listed.map(({ name }) => name),
    ["data"],
  );
  assert.deepEqual(warnings, ["list odd: VolumeDriver.List: not there"]);
});
