import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpArguments, findOutsideMounts, refuseUnsaved, restoreArguments } from "./criu.ts";

const cgroups = { v1: [], v2: { mountPoint: "/sys/fs/cgroup", directory: "/sys/fs/cgroup/a/b" } };
const folders = { images: "/i", work: "/w" };
const outside = [{ target: "/data", source: "/srv" }];

test("a dump names the tree, its root, its freezer and the mounts from outside", () => {
  const given = new Map([
    ["leave-running", ["true"]],
    ["tcp-established", ["true"]],
    ["empty-ns", ["network"]],
    ["page-server", ["[::1]:99"]],
  ]);
  const words = dumpArguments(given, {
    ...folders,
    pid: 7,
    rootfs: "/r",
    cgroups,
    outside,
    streams: ["pipe:[1]", "file[18:4]", ""],
  });
  assert.equal(
    words.join(" "),
    "dump --images-dir /i --work-dir /w --log-file dump.log -v4 --tree 7 --root /r --manage-cgroups=soft --evasive-devices" +
      " --tcp-established --empty-ns net --freeze-cgroup /sys/fs/cgroup/a/b --leave-running" +
      " --page-server --address ::1 --port 99 --external mnt[/data]:/data --external file[18:4]",
  );
});

test("a pre-dump follows the memory and saves no mounts", () => {
  const given = new Map([
    ["pre-dump", ["true"]],
    ["parent-path", ["../first"]],
  ]);
  const words = dumpArguments(given, { ...folders, pid: 7, rootfs: "/r", cgroups, outside, streams: [] });
  assert.match(words.join(" "), /^pre-dump .*--prev-images-dir \.\.\/first --track-mem$/);
});

test("a restore puts mounts and pipes of the caller in their places", () => {
  const words = restoreArguments(new Map([["file-locks", ["true"]]]), {
    ...folders,
    rootfs: "/m",
    cgroups,
    pidFile: "/p",
    outside,
    streams: ["", "pipe:[12]", "file[18:4]"],
  });
  assert.equal(
    words.join(" "),
    "restore --images-dir /i --work-dir /w --log-file restore.log -v4 --root /m --pidfile /p --restore-detached --restore-sibling" +
      " --manage-cgroups=soft --evasive-devices --file-locks --cgroup-root /a/b --external mnt[/data]:/srv" +
      " --inherit-fd fd[1]:pipe:[12] --inherit-fd fd[2]:file[18:4]",
  );
});

for (const [name, value, message] of [
  ["manage-cgroups-mode", "other", /Invalid manage cgroups mode/],
  ["empty-ns", "pid", /namespace "pid" is not supported/],
  ["page-server", "here", /Use --page-server ADDRESS:PORT/],
  ["status-fd", "3", /--status-fd is not supported/],
] as const)
  test(`--${name} ${value} is refused`, () => {
    const dump = { ...folders, pid: 7, rootfs: "/r", cgroups, outside, streams: [] };
    assert.throws(() => dumpArguments(new Map([[name, [value]]]), dump), message);
  });

test("what cannot be saved is refused by name", () => {
  const process = { terminal: true, cwd: "/" };
  assert.throws(() => refuseUnsaved({ ociVersion: "1.2.0", process }), /terminal is not supported/);
  const linux = { namespaces: [{ type: "network", path: "/n" } as const] };
  assert.throws(() => refuseUnsaved({ ociVersion: "1.2.0", linux }), /joined a network namespace/);
});

test("binds and masked files come from outside", () => {
  const mount = { mountPoint: "/proc/kcore", root: "/null" };
  const spec = {
    ociVersion: "1.2.0",
    mounts: [{ destination: "/data", source: "/srv", options: ["rbind"] }, { destination: "/proc" }],
    linux: { maskedPaths: ["/proc/kcore", "/proc/acpi"] },
  };
  assert.deepEqual(findOutsideMounts(spec, [mount]), [
    ...outside,
    { target: "/proc/kcore", source: "/dev/null" },
  ]);
});
