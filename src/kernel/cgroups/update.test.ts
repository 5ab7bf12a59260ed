import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { openRecordedTree, type RecordedTree } from "./recorded-tree.ts";
import { planUpdate, updateCgroup } from "./update.ts";

const read = (tree: RecordedTree, file: string): string => readFileSync(tree.pathOf(file), "utf8");
const files = (settings: ReturnType<typeof planUpdate>) =>
  settings.map(({ file, value }) => `${file}=${value}`);

test("version 1: only what is given is written, beyond the limit of now from the top", () => {
  using tree = openRecordedTree(1);
  const [raised, lowered] = [80_000_000, 50_000_000].map((limit) =>
    planUpdate(tree.paths, { memory: { limit, swap: limit }, pids: { limit: 9 } }),
  );
  const [both, memory] = ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"];
  assert.deepEqual(files(raised ?? []), [`${both}=80000000`, `${memory}=80000000`, "pids.max=9"]);
  assert.deepEqual(files(lowered ?? []), [`${memory}=50000000`, `${both}=50000000`, "pids.max=9"]);
});

test("version 1: the files of the scheduler that the machine has take the weight", () => {
  using tree = openRecordedTree(1);
  assert.deepEqual(files(planUpdate(tree.paths, { blockIO: { weight: 300 } })), ["blkio.bfq.weight=300"]);
});

test("version 2: the half of cpu.max that is not given stays", () => {
  using tree = openRecordedTree(2);
  assert.deepEqual(files(planUpdate(tree.paths, { cpu: { quota: 20_000 } })), ["cpu.max=20000 100000"]);
  assert.deepEqual(files(planUpdate(tree.paths, { cpu: { period: 50_000 } })), ["cpu.max=60000 50000"]);
  assert.deepEqual(files(planUpdate(tree.paths, { cpu: { idle: 1 } })), ["cpu.idle=1"]);
});

test("version 2: a limit below the usage is refused when that is asked for", () => {
  using tree = openRecordedTree(2);
  const update = (limit: number, swap: number) => () =>
    updateCgroup(tree.paths, { memory: { limit, swap, checkBeforeUpdate: true } });
  assert.throws(update(4096, 0), { message: "rejecting memory limit 4096 <= usage 278528" });
  assert.throws(update(4096, 8192), { message: "rejecting memory+swap limit 8192 <= usage 278528" });
});

test("devices are left alone", () => {
  using tree = openRecordedTree(1);
  assert.deepEqual(planUpdate(tree.paths, { devices: [{ allow: false, access: "rwm" }] }), []);
});

test("what was written before a refusal is set back", () => {
  using tree = openRecordedTree(2);
  rmSync(tree.pathOf("pids.max"));
  assert.throws(
    () => updateCgroup(tree.paths, { memory: { limit: 99, reservation: 9 }, pids: { limit: 1 } }),
    /open .*pids\.max: no such file or directory/,
  );
  assert.deepEqual([read(tree, "memory.max"), read(tree, "memory.low")], ["33554432", "16777216"]);
});

test("values are written as they are given", () => {
  using tree = openRecordedTree(2);
  updateCgroup(tree.paths, { memory: { limit: -1 }, pids: { limit: 12 } });
  assert.deepEqual(
    ["memory.max", "memory.swap.max", "pids.max"].map((file) => read(tree, file)),
    ["max", "max", "12"],
  );
});
