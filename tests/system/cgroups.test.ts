// Limits as the real client asks for them and as the container finds them, on whichever cgroups the machine has.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";

const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
const skip = process.getuid?.() !== 0 && "needs root";
const onlyUnified = skip || (!unified && "this machine has cgroup version 1");

describe("limits", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());

  test("info tells the version and the default of --cgroupns is Docker's for it", async () => {
    assert.equal(await engine.docker("info", "-f", "{{.CgroupVersion}}"), unified ? "2" : "1");
    const own = await engine.docker("run", "--rm", "busybox", "cat", "/proc/self/cgroup");
    assert.match(own, unified ? /^0::\/$/ : /:memory:\/docker\/\w{64}$/m);
    const shared = await engine.docker(
      "run",
      "--rm",
      "--cgroupns=host",
      "busybox",
      "cat",
      "/proc/self/cgroup",
    );
    assert.match(shared, /:\/docker\/\w{64}$/m);
  });

  test("an exec is in the container's cgroup and counts against its limit of processes", async () => {
    await engine.docker("run", "-d", "--name", "few", "--pids-limit", "3", "busybox", "sleep", "999");
    const ok = await engine.tryDocker(["exec", "few", "true"]);
    const many = await engine.tryDocker(["exec", "few", "sh", "-c", "sleep 9 & sleep 9 & sleep 9"]);
    await engine.docker("rm", "-f", "few");
    assert.deepEqual([ok.code, many.code], [0, 2], many.stderr);
  });

  test("run and update set what version 2 calls it", { skip: onlyUnified }, async () => {
    const files = ["memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "pids.max"];
    const read = ["sh", "-c", `cd /sys/fs/cgroup; cat ${files.join(" ")}`];
    const limits = [
      "-m",
      "64m",
      "--memory-reservation",
      "32m",
      "--cpus",
      "0.5",
      "-c",
      "512",
      "--pids-limit",
      "50",
    ];
    await engine.docker("run", "-d", "--name", "limited", ...limits, "busybox", "sleep", "999");
    const atStart = await engine.docker("exec", "limited", ...read);
    await engine.docker("update", "-m", "80m", "--memory-swap", "100m", "--cpus", "0.25", "limited");
    const updated = await engine.docker("exec", "limited", ...read);
    await engine.docker("rm", "-f", "limited");
    const MiB = 1 << 20;
    assert.deepEqual(atStart.split("\n"), [
      `${64 * MiB}`,
      `${64 * MiB}`,
      `${32 * MiB}`,
      "50000 100000",
      "59",
      "50",
    ]);
    assert.deepEqual(updated.split("\n"), [
      `${80 * MiB}`,
      `${20 * MiB}`,
      `${32 * MiB}`,
      "25000 100000",
      "59",
      "50",
    ]);
  });

  test("what version 2 does not have is discarded with a warning", { skip: onlyUnified }, async () => {
    const flags = ["--memory-swappiness", "10", "--oom-kill-disable", "-m", "64m"];
    const { code, stderr } = await engine.tryDocker(["run", "--rm", ...flags, "busybox", "true"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Memory swappiness discarded/);
    assert.match(stderr, /OomKillDisable discarded/);
  });

  test("the container's own cgroup file system is read-only, its hierarchy ends at itself", {
    skip: onlyUnified,
  }, async () => {
    const script = "mkdir /sys/fs/cgroup/x 2>&1; ls -d /sys/fs/cgroup/docker 2>&1";
    const { stdout } = await engine.tryDocker(["run", "--rm", "busybox", "sh", "-c", script]);
    assert.match(stdout, /Read-only file system\n.*No such file/);
  });
});
