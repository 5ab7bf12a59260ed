import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { criuFailure, dumpArguments, restoreArguments } from "./criu.ts";
import { findOutsideMounts, outsideSource } from "./notes.ts";
import { refuseUnsaved, refuseUnsavedTask } from "./refuse-unsaved.ts";

const cgroups = { v1: [], v2: { mountPoint: "/sys/fs/cgroup", directory: "/sys/fs/cgroup/a/b" } };
const folders = { images: "/i", work: "/w" };
const spec = {
  ociVersion: "1.2.0",
  mounts: [
    { destination: "/proc", type: "proc" },
    { destination: "/data", source: "/srv", options: ["rbind"] },
    { destination: "/data/cache", type: "tmpfs", source: "tmpfs" },
  ],
  linux: { maskedPaths: ["/proc/kcore", "/proc/acpi"] },
};

test("a dump names the tree, its freezer, and the mounts, streams and network from outside", () => {
  const words = dumpArguments({
    ...folders,
    pid: 7,
    cgroups,
    leaveRunning: true,
    notes: { outside: ["/data"], streams: ["pipe:[1]", "file[18:4]", ""], network: 99 },
    options: ["--manage-cgroups=soft"],
  });
  assert.equal(
    words.join(" "),
    "dump --images-dir /i --work-dir /w --log-file dump.log -v4 --tree 7 --evasive-devices" +
      " --freeze-cgroup /sys/fs/cgroup/a/b --leave-running --manage-cgroups=soft" +
      " --external mnt[/data]:/data --external file[18:4] --external net[99]:extRootNetNS",
  );
});

test("a pre-dump saves no mounts", () => {
  const notes = { outside: ["/data"], streams: [] };
  const dump = { ...folders, pid: 7, cgroups, leaveRunning: true, notes, options: [] };
  assert.match(dumpArguments({ ...dump, preDump: true }).join(" "), /^pre-dump .* --leave-running$/);
});

test("a mount point cannot name another mount to criu", () => {
  const notes = { outside: ["/data]:/etc"], streams: [] };
  const dump = { ...folders, pid: 7, cgroups, leaveRunning: true, notes, options: [] };
  assert.throws(() => dumpArguments(dump), /criu cannot save a mount at/);
});

test("a restore puts mounts, streams and network of the new container in their places", () => {
  const words = restoreArguments({
    ...folders,
    spec,
    rootfs: "/m",
    cgroups,
    pidFile: "/p",
    streamFds: [3, 4, 5],
    networkFd: 6,
    notes: { outside: ["/data", "/proc/kcore"], streams: ["", "pipe:[12]", "file[18:4]"], network: 99 },
    options: ["--manage-cgroups=soft"],
  });
  assert.equal(
    words.join(" "),
    "restore --images-dir /i --work-dir /w --log-file restore.log -v4 --root /m --pidfile /p --restore-detached --restore-sibling" +
      " --evasive-devices --manage-cgroups=soft --cgroup-root /a/b --external mnt[/data]:/srv --external mnt[/proc/kcore]:/dev/null" +
      " --inherit-fd fd[4]:pipe:[12] --inherit-fd fd[5]:file[18:4] --inherit-fd fd[6]:extRootNetNS",
  );
});

test("binds with what lies below them and masked files come from outside", () => {
  const at = (mountPoint: string, root = "/") => ({ mountPoint, root });
  const mounts = [
    at("/"),
    at("/proc"),
    at("/data"),
    at("/data/disk"),
    at("/data/cache"),
    at("/data/cache/below"),
    at("/database"),
    at("/proc/kcore", "/null"),
    at("/proc/acpi"),
  ];
  assert.deepEqual(findOutsideMounts(spec, mounts), ["/data", "/data/disk", "/proc/kcore"]);
  assert.equal(outsideSource(spec, "/data/disk"), "/srv/disk");
});

test("a checkpoint cannot ask for mounts that the container has not", () => {
  for (const target of ["/etc", "/data/cache", "/proc"])
    assert.throws(() => outsideSource(spec, target), /the container has no mount at/);
});

test("what cannot be saved is refused by name", () => {
  const process = { terminal: true, cwd: "/" };
  assert.throws(() => refuseUnsaved({ ociVersion: "1.2.0", process }), /terminal is not supported/);
  const joined = (type: "ipc" | "network") => ({
    ociVersion: "1.2.0",
    linux: { namespaces: [{ type: "pid" as const }, { type, path: "/n" }] },
  });
  assert.throws(() => refuseUnsaved(joined("ipc")), /joined a ipc namespace/);
  refuseUnsavedTask(joined("network"));
});

for (const [name, refused, message] of [
  ["a user namespace", { linux: { namespaces: [{ type: "pid" }, { type: "user" }] } }, /user namespace/],
  [
    "no-new-privileges",
    { process: { cwd: "/", noNewPrivileges: true }, linux: { namespaces: [{ type: "pid" }] } },
    /no-new-privileges is not supported/,
  ],
  [
    "a read-only root",
    { root: { path: "/r", readonly: true }, linux: { namespaces: [{ type: "pid" }] } },
    /read-only root is not supported/,
  ],
  ["the host's processes", { linux: { namespaces: [] } }, /host's PID namespace/],
  [
    "shared memory of others",
    {
      linux: { namespaces: [{ type: "pid" }] },
      mounts: [{ destination: "/dev/shm", source: "/s", options: ["rbind"] }],
    },
    /shares its \/dev\/shm/,
  ],
] as const)
  test(`a container with ${name} is not saved for a shim`, () => {
    assert.throws(() => refuseUnsavedTask({ ociVersion: "1.2.0", ...refused }), message);
  });

test("criu's failure tells the first error of its log", () => {
  const work = mkdtempSync(join(tmpdir(), "gantry-criu-"));
  try {
    const failed = (): string => criuFailure("dump", { work }, "exit status 1").message;
    assert.equal(failed(), `criu failed: exit status 1\nlog file: ${work}/dump.log`);
    const lines = [
      "(00.01) fine",
      "(00.02)      1: Error (criu/a.c:7): no way",
      "(00.03) Error (criu/b.c:8): Dumping FAILED.",
    ];
    writeFileSync(join(work, "dump.log"), lines.join("\n"));
    assert.equal(failed(), `criu failed: exit status 1: (criu/a.c:7): no way\nlog file: ${work}/dump.log`);
    assert.match(criuFailure("dump", { work }, "").message, /"criu": executable file not found/);
  } finally {
    rmSync(work, { recursive: true });
  }
});
