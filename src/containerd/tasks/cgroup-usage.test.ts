import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBlockIo, parseIoStat, parseTable } from "./cgroup-usage.ts";

test("a table is names and numbers", () =>
  assert.deepEqual(parseTable("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), {
    oom_kill_disable: 0,
    under_oom: 0,
    oom_kill: 2,
  }));

test("version 1: bytes and operations of a device come from two files", () =>
  assert.deepEqual(
    joinBlockIo("8:0 Read 4096\n8:0 Write 512\nTotal 4608\n", "8:0 Read 2\n8:0 Write 1\nTotal 3\n"),
    [
      { major: 8, minor: 0, op: "Read", bytes: 4096, operations: 2 },
      { major: 8, minor: 0, op: "Write", bytes: 512, operations: 1 },
    ],
  ));

test("version 2: one line tells all of a device", () =>
  assert.deepEqual(parseIoStat("259:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"), [
    { major: 259, minor: 0, op: "Read", bytes: 10, operations: 1 },
    { major: 259, minor: 0, op: "Write", bytes: 20, operations: 2 },
    { major: 259, minor: 0, op: "Discard", bytes: 0, operations: 0 },
  ]));
