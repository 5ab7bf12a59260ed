import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isFrozen } from "./freezer.ts";
import { readOomKills, watchOom } from "./oom.ts";
import type { CgroupPaths } from "./paths.ts";
import { killCgroup, readCgroupPids, signalCgroup } from "./processes.ts";
import { openRecordedTree, type RecordedTree } from "./recorded-tree.ts";

/** No process has this number: pid_max is at most 2^22. */
const nobody = 2 ** 22 + 7;

const signal = new AbortController().signal;

test("processes of cgroups below count, version 1 and 2", async () => {
  for (const [version, file] of [
    [1, "pids/inner/cgroup.procs"],
    [2, "inner/cgroup.procs"],
  ] as const) {
    using tree = openRecordedTree(version);
    writeFileSync(tree.pathOf(file), `${nobody}\n`);
    const own = readFileSync(tree.pathOf(version === 1 ? "pids/cgroup.procs" : "cgroup.procs"), "utf8");
    assert.deepEqual(await readCgroupPids(tree.paths), [Number(own), nobody]);
  }
});

test("version 2 is killed by one write", async () => {
  using tree = openRecordedTree(2);
  writeFileSync(tree.pathOf("cgroup.procs"), `${nobody}\n`);
  writeFileSync(tree.pathOf("cgroup.kill"), "");
  await killCgroup(tree.paths);
  assert.equal(readFileSync(tree.pathOf("cgroup.kill"), "utf8"), "1");
  assert.equal(readFileSync(tree.pathOf("cgroup.freeze"), "utf8"), "0\n");
});

test("a cgroup that this process is in is not killed", async () => {
  using tree = openRecordedTree(2);
  writeFileSync(tree.pathOf("cgroup.procs"), `${process.pid}\n`);
  writeFileSync(tree.pathOf("cgroup.kill"), "");
  await killCgroup(tree.paths);
  assert.equal(readFileSync(tree.pathOf("cgroup.kill"), "utf8"), "");
});

function setFreezer(tree: RecordedTree, state: "THAWED" | "FROZEN", self: 0 | 1): void {
  writeFileSync(tree.pathOf("pids/cgroup.procs"), `${nobody}\n`);
  writeFileSync(tree.pathOf("freezer/freezer.state"), `${state}\n`);
  writeFileSync(tree.pathOf("freezer/freezer.self_freezing"), `${self}\n`);
}
const stateOf = (tree: RecordedTree): string => readFileSync(tree.pathOf("freezer/freezer.state"), "utf8");

test("version 1: who is signalled goes on afterwards, unless paused before", async () => {
  using tree = openRecordedTree(1);
  setFreezer(tree, "THAWED", 0);
  await signalCgroup(tree.paths, "SIGTERM");
  assert.equal(stateOf(tree), "THAWED");
  setFreezer(tree, "FROZEN", 1);
  await signalCgroup(tree.paths, "SIGTERM");
  assert.equal(stateOf(tree), "FROZEN\n");
  await signalCgroup(tree.paths, "SIGKILL");
  assert.equal(stateOf(tree), "THAWED");
});

test("a cgroup is not frozen because one above it is", () => {
  using tree = openRecordedTree(1);
  setFreezer(tree, "FROZEN", 0);
  assert.equal(isFrozen(tree.paths), false);
  setFreezer(tree, "FROZEN", 1);
  assert.equal(isFrozen(tree.paths), true);
});

test("kills for memory that have been", () => {
  using tree = openRecordedTree(2);
  assert.equal(readOomKills(tree.paths), 1);
  assert.equal(readOomKills({ v1: [] }), 0);
});

test("version 2: kills for memory are told as they happen, until the last process is gone", async () => {
  using tree = openRecordedTree(2);
  const told: number[] = [];
  writeFileSync(tree.pathOf("cgroup.events"), "populated 1\nfrozen 0\n");
  for await (const kills of startWatch(tree.paths, () =>
    writeFileSync(tree.pathOf("memory.events"), "oom 2\noom_kill 2\n"),
  )) {
    told.push(kills);
    writeFileSync(tree.pathOf("cgroup.events"), "populated 0\nfrozen 0\n");
  }
  assert.deepEqual(told, [2]);
});

/** `act` runs once the watch has begun. */
function startWatch(paths: CgroupPaths, act: () => void): AsyncIterable<number> {
  setImmediate(act);
  return watchOom({ paths }, signal);
}

test("version 1: kills for memory are told, until the cgroup is removed", async () => {
  const root = mkdtempSync(join(tmpdir(), "gantry-oom-"));
  const directory = join(root, "x");
  const count = (kills: number): void =>
    writeFileSync(
      join(directory, "memory.oom_control"),
      `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
    );
  mkdirSync(directory);
  count(1);
  const paths = { v1: [{ controllers: ["memory"], mountPoint: root, directory }] };
  setImmediate(count, 3);
  const told: number[] = [];
  for await (const kills of watchOom({ paths, interval: 5 }, signal)) {
    told.push(kills);
    rmSync(directory, { recursive: true });
  }
  assert.deepEqual(told, [3]);
  rmSync(root, { recursive: true });
});

test("a watch ends with its signal", async () => {
  using tree = openRecordedTree(2);
  writeFileSync(tree.pathOf("cgroup.events"), "populated 1\nfrozen 0\n");
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  for await (const _ of watchOom({ paths: tree.paths }, stop.signal)) assert.fail("nothing was killed");
});
