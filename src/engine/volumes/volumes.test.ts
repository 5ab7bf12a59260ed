import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EngineError } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { FileSizes } from "../disk/file-sizes.ts";
import { Filters } from "../filters.ts";
import { listVolumes } from "./list.ts";
import type { VolumeRequest } from "./make.ts";
import { openVolumes } from "./open-volumes.ts";
import { VolumePruner } from "./prune.ts";

const directories: string[] = [];
after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

const { signal } = new AbortController();
const asked: VolumeRequest = { name: "", driver: "", labels: null, options: null };

async function open(dataRoot = mkdtempSync(join(tmpdir(), "volumes-"))) {
  directories.push(dataRoot);
  const users: Record<string, readonly string[]> = {};
  const events: string[] = [];
  const mounts: string[] = [];
  const kernel: { failure?: Error; copying?: (to: string) => Promise<void> } = {};
  let opened = "";
  const clear = (path: string): void => {
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
  };
  /** What a test needs of the kernel. */
  const effects: Readonly<Record<string, (op: Op) => void | Promise<void>>> = {
    open: (op) => {
      opened = op.op === "open" ? op.path : "";
    },
    clearDir: () => clear(opened),
    copyTree: () => kernel.copying?.(opened),
    removeTree: (op) => void (op.op === "removeTree" && rmSync(op.path, { recursive: true, force: true })),
    mount: (op) => void (op.op === "mount" && mounts.push(`mount ${op.fstype} ${op.data}`)),
    umount: () => void mounts.push("umount"),
  };
  const run = async (plan: Plan) => {
    if (kernel.failure !== undefined) throw kernel.failure;
    for (const op of plan) await effects[op.op]?.(op);
    return new Map();
  };
  const publish = ({ action, actorId }: { action: string; actorId: string }) =>
    void events.push(`${action} ${actorId}`);
  const volumes = await openVolumes(
    {
      executor: { run },
      events: { publish },
      clock: { now: () => 1_700_000_000_123_456_789n },
      usersOf: (name) => users[name] ?? [],
      plugins: {
        get: async (name) => {
          throw new EngineError("notFound", `plugin "${name}" not found`);
        },
        speaking: async () => [],
      },
    },
    dataRoot,
  );
  const size = async (path: string): Promise<number> => {
    const walk = new FileSizes(path);
    while (walk.advance(100));
    return walk.total;
  };
  return {
    volumes,
    users,
    kernel,
    events,
    mounts,
    dataRoot,
    prune: new VolumePruner({ volumes, events: { publish }, sizes: { size } }),
  };
}

test("a volume is a directory with Docker's modes, and survives a restart", async () => {
  const { volumes, dataRoot } = await open();
  const volume = await volumes.create({ ...asked, name: "data", labels: { a: "b" } }, signal);
  assert.equal(volume.mountpoint, join(dataRoot, "volumes", "data", "_data"));
  assert.equal(statSync(volume.mountpoint).mode & 0o777, 0o755);
  assert.equal(statSync(join(dataRoot, "volumes", "data")).mode & 0o777, 0o701);
  assert.equal(volume.createdAt, "2023-11-14T22:13:20Z");
  volumes[Symbol.dispose]();
  const again = await open(dataRoot);
  assert.deepEqual(await again.volumes.get("data", signal), volume);
});

test("no labels are told from an empty list of labels", async () => {
  const { volumes } = await open();
  assert.equal((await volumes.create({ ...asked, name: "none" }, signal)).labels, null);
  assert.deepEqual(
    (await volumes.create({ ...asked, name: "empty", labels: {}, options: {} }, signal)).options,
    {},
  );
});

test("creating a volume that exists gives it as it is", async () => {
  const { volumes, events } = await open();
  await volumes.create({ ...asked, name: "data" }, signal);
  const second = await volumes.create({ ...asked, name: "data", labels: { a: "b" } }, signal);
  assert.equal(second.labels, null);
  assert.deepEqual(events, ["create data", "create data"]);
});

test("an anonymous volume has a long name and Docker's label", async () => {
  const { volumes } = await open();
  const { name, labels, anonymous } = await volumes.create(asked, signal);
  assert.match(name, /^[0-9a-f]{64}$/);
  assert.deepEqual(labels, { "com.docker.volume.anonymous": "" });
  assert.equal(anonymous, true);
});

const refused: readonly (readonly [Partial<typeof asked>, RegExp])[] = [
  [{ name: "x" }, /^create x: volume name is too short/],
  [{ name: "é" }, /^create é: "é" includes invalid characters/],
  [{ name: "a/b" }, /^create a\/b: "a\/b" includes invalid characters for a local volume name/],
  [{ name: "../x" }, /includes invalid characters/],
  [{ name: "bb", driver: "foo" }, /^create bb: error looking up volume plugin foo: plugin "foo" not found$/],
  [{ name: "cc", options: { foo: "bar" } }, /^create cc: invalid option: "foo"$/],
  [{ name: "cc", options: { type: "tmpfs" } }, /^create cc: missing required option: "device"$/],
  [{ name: "cc", options: { device: "tmpfs" } }, /^create cc: missing required option: "type"$/],
];
for (const [request, message] of refused)
  test(`refused: ${JSON.stringify(request)}`, async () => {
    const { volumes } = await open();
    await assert.rejects(volumes.create({ ...asked, ...request }, signal), { message });
    assert.deepEqual((await volumes.list(signal)).volumes, []);
  });

test("a volume in use is not removed, a free one is gone with its data", async () => {
  const { volumes, users, dataRoot, events } = await open();
  await volumes.create({ ...asked, name: "data" }, signal);
  users.data = ["c1", "c2"];
  await assert.rejects(volumes.remove("data"), {
    kind: "conflict",
    message: "remove data: volume is in use - [c1, c2]",
  });
  users.data = [];
  await volumes.remove("data");
  assert.equal(existsSync(join(dataRoot, "volumes", "data")), false);
  assert.deepEqual(events, ["create data", "destroy data"]);
  await assert.rejects(volumes.remove("data"), { kind: "notFound", message: "get data: no such volume" });
});

test("a volume made while its predecessor goes is a new one", async () => {
  const { volumes } = await open();
  const { mountpoint } = await volumes.create({ ...asked, name: "data" }, signal);
  writeFileSync(join(mountpoint, "old"), "");
  await Promise.all([volumes.remove("data"), volumes.create({ ...asked, name: "data" }, signal)]);
  assert.equal(existsSync(mountpoint), true);
  assert.equal(existsSync(join(mountpoint, "old")), false);
});

test("a removal that failed can be tried again", async () => {
  const { volumes, kernel } = await open();
  await volumes.create({ ...asked, name: "data" }, signal);
  kernel.failure = new Error("busy");
  await assert.rejects(volumes.remove("data"), { message: "busy" });
  delete kernel.failure;
  await volumes.remove("data");
  assert.deepEqual(volumes.plain(), []);
});

test("a device is mounted for the first container and unmounted after the last", async () => {
  const { volumes, mounts } = await open();
  const options = { type: "tmpfs", device: "tmpfs", o: "size=1m,nodev" };
  await volumes.create({ ...asked, name: "fast", options }, signal);
  await volumes.mount("fast", "c1");
  await volumes.mount("fast", "c2");
  await volumes.unmount("fast", "c1");
  assert.equal(mounts.includes("umount"), false);
  await volumes.unmount("fast", "c2");
  assert.equal(mounts[0], "mount tmpfs size=1m");
  assert.equal(mounts.at(-1), "umount");
});

test("lists are filtered as Docker's", async () => {
  const { volumes, users } = await open();
  await volumes.create({ ...asked, name: "used", labels: { tier: "db" } }, signal);
  await volumes.create({ ...asked, name: "free" }, signal);
  users.used = ["c1"];
  const names = async (key: string, value: string) => {
    const listed = await listVolumes(volumes, new Filters(new Map([[key, [value]]])), signal);
    return listed.volumes.map(({ name }) => name);
  };
  assert.deepEqual(await names("dangling", "true"), ["free"]);
  assert.deepEqual(await names("dangling", "false"), ["used"]);
  assert.deepEqual(await names("label", "tier=db"), ["used"]);
  assert.deepEqual(await names("name", "fre"), ["free"]);
  await assert.rejects(names("color", "red"), { message: "invalid filter 'color'" });
});

test("prune takes anonymous volumes that nobody uses, all when asked, and counts bytes", async () => {
  const { volumes, users, prune } = await open();
  const anonymous = await volumes.create(asked, signal);
  writeFileSync(join(anonymous.mountpoint, "file"), "12345");
  await volumes.create({ ...asked, name: "named" }, signal);
  const used = await volumes.create(asked, signal);
  users[used.name] = ["c1"];
  const none = new Filters(new Map());
  assert.deepEqual(await prune.prune(none, true, signal), { deleted: [anonymous.name], reclaimed: 5 });
  assert.deepEqual((await prune.prune(none, false, signal)).deleted, ["named"]);
});

const from = { rootfs: [], target: "/t", destination: "/data" };

test("a volume that a crash left half filled is empty again, and filled by the next container", async () => {
  const { volumes, kernel, dataRoot } = await open();
  const { mountpoint } = await volumes.create({ ...asked, name: "data" }, signal);
  const begun = Promise.withResolvers<void>();
  kernel.copying = async (to) => {
    writeFileSync(join(to, "half"), "");
    begun.resolve();
    await new Promise(() => undefined);
  };
  void volumes.populate("data", from, signal);
  await begun.promise;
  volumes[Symbol.dispose](); // the daemon is gone
  const again = await open(dataRoot);
  assert.deepEqual(readdirSync(mountpoint), []);
  again.kernel.copying = async (to) => writeFileSync(join(to, "whole"), "");
  await again.volumes.populate("data", from, signal);
  assert.deepEqual(readdirSync(mountpoint), ["whole"]);
  again.volumes[Symbol.dispose]();
  const last = await open(dataRoot);
  assert.deepEqual(readdirSync(mountpoint), ["whole"]);
  last.volumes[Symbol.dispose]();
});

test("what an import left half done when the daemon ended is taken out; not while it goes on", async () => {
  const { volumes, dataRoot } = await open();
  const { mountpoint } = await volumes.create({ ...asked, name: "data" }, signal);
  const begun = Promise.withResolvers<void>();
  void volumes.fill("data", mountpoint, async () => {
    writeFileSync(join(mountpoint, "half"), "");
    begun.resolve();
    await new Promise(() => undefined);
  });
  await begun.promise;
  await volumes.mount("data", "c1");
  assert.deepEqual(readdirSync(mountpoint), ["half"]);
  volumes[Symbol.dispose](); // the daemon is gone
  const again = await open(dataRoot);
  assert.deepEqual(readdirSync(mountpoint), []);
  again.volumes[Symbol.dispose]();
});

test("what is written after a copy has failed is not taken for half a copy", async () => {
  const { volumes, kernel } = await open();
  const { mountpoint } = await volumes.create({ ...asked, name: "data" }, signal);
  kernel.copying = async (to) => {
    writeFileSync(join(to, "half"), "");
    throw new Error("no space");
  };
  await assert.rejects(volumes.populate("data", from, signal), { message: "no space" });
  assert.deepEqual(readdirSync(mountpoint), []);
  writeFileSync(join(mountpoint, "mine"), "");
  await volumes.mount("data", "c1");
  await volumes.populate("data", from, signal);
  assert.deepEqual(readdirSync(mountpoint), ["mine"]);
});

test("a volume that a container is being made with is not removed until that is done", async () => {
  const { volumes } = await open();
  await volumes.create({ ...asked, name: "data", holder: "c1" }, signal);
  await assert.rejects(volumes.remove("data"), { kind: "conflict", message: /volume is in use - \[c1\]/ });
  volumes.release("c1");
  await volumes.remove("data");
});

test("a device is unmounted once, by its last user", async () => {
  const { volumes, mounts } = await open();
  await volumes.create({ ...asked, name: "fast", options: { type: "tmpfs", device: "t" } }, signal);
  await Promise.all(["c1", "c2", "c3"].map((user) => volumes.mount("fast", user)));
  for (const user of ["c1", "c2", "c3", "c3"]) await volumes.unmount("fast", user);
  assert.equal(mounts.filter((line) => line === "umount").length, 1);
});
