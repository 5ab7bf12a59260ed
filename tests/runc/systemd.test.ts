// gantry-runc --systemd-cgroup where systemd runs: the "systemd" guest.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { endResidents } from "./runc-bundle.ts";

const program = join(import.meta.dirname, "../../bin/gantry-runc");
const skip = process.getuid?.() === 0 && existsSync("/run/systemd/system") ? false : "needs root and systemd";

interface Bundle extends AsyncDisposable {
  readonly unit: string;
  readonly directory: string;
  run(...words: readonly string[]): { readonly code: number | null; readonly stderr: string };
  /** A property of the unit, as systemd tells it. */
  property(name: string): string;
  read(file: string): string;
}

async function makeBundle(resources: object): Promise<Bundle> {
  const path = mkdtempSync(join(tmpdir(), "gantry-systemd-"));
  const id = basename(path);
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  const env = { ...process.env, GANTRY_RUNC_SOCKETS: path };
  const run: Bundle["run"] = (...words) => {
    const all = ["--root", join(path, "state"), "--systemd-cgroup", ...words];
    const detached = words.includes("--detach");
    const result = spawnSync(program, all, {
      cwd: path,
      env,
      encoding: "utf8",
      timeout: 120_000,
      stdio: ["ignore", "ignore", detached ? "ignore" : "pipe"],
    });
    return { code: result.status, stderr: result.stderr ?? "" };
  };
  assert.equal(run("spec").code, 0);
  const file = join(path, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.process = { ...config.process, terminal: false, args: ["sleep", "1000"] };
  const devices = [{ allow: false, access: "rwm" }];
  config.linux = {
    ...config.linux,
    cgroupsPath: `system.slice:gantry:${id}`,
    resources: { devices, ...resources },
  };
  config.annotations = { "org.systemd.property.CollectMode": "'inactive-or-failed'" };
  writeFileSync(file, JSON.stringify(config));
  const unit = `gantry-${id}.scope`;
  const directory = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
    .map((mountPoint) => `${mountPoint}/system.slice/${unit}`)
    .at(existsSync("/sys/fs/cgroup/cgroup.controllers") ? 0 : 1);
  return {
    unit,
    directory: directory ?? "",
    run,
    property: (name) =>
      spawnSync("systemctl", ["show", "--value", "-p", name, unit], { encoding: "utf8" }).stdout.trim(),
    read: (name) => readFileSync(`${directory}/${name}`, "utf8").trim(),
    [Symbol.asyncDispose]: async () => {
      run("delete", "--force", "a");
      await endResidents(path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

test("a container is a scope of systemd, which knows its limits, and is gone with it", { skip }, async () => {
  const limits = { memory: { limit: 67_108_864 }, pids: { limit: 20 }, cpu: { quota: 15_500 } };
  await using bundle = await makeBundle(limits);
  assert.equal(bundle.run("run", "--detach", "a").code, 0);
  assert.deepEqual(
    ["ActiveState", "Slice", "Delegate", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CollectMode"].map(
      bundle.property,
    ),
    ["active", "system.slice", "yes", "67108864", "20", "160ms", "inactive-or-failed"],
  );
  assert.equal(bundle.read("cgroup.procs").split("\n").length, 1, "nobody but the container");
  assert.equal(bundle.run("update", "--memory", "100663296", "--pids-limit", "9", "a").code, 0);
  assert.deepEqual(["MemoryMax", "TasksMax"].map(bundle.property), ["100663296", "9"]);
  assert.equal(spawnSync("systemctl", ["daemon-reload"]).status, 0);
  if (existsSync(`${bundle.directory}/memory.max`)) assert.equal(bundle.read("memory.max"), "100663296");
  assert.equal(bundle.run("exec", "a", "true").code, 0);
  assert.equal(bundle.run("delete", "--force", "a").code, 0);
  assert.equal(existsSync(bundle.directory), false);
  assert.notEqual(bundle.property("ActiveState"), "active");
});

test("a limit that the kernel refuses leaves no unit", { skip }, async () => {
  await using bundle = await makeBundle({
    blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 0, rate: 1 }] },
  });
  const { code, stderr } = bundle.run("run", "a");
  assert.equal(code, 1);
  assert.match(stderr, /io\.max|blkio/);
  assert.equal(existsSync(bundle.directory), false);
});
