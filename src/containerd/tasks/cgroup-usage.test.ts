import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBlockIo, readCgroupUsage } from "./cgroup-usage.ts";

test("bytes and operations of a device come together", () =>
  assert.deepEqual(
    joinBlockIo({
      ioServiceBytesRecursive: [
        { major: 8, minor: 0, op: "Read", value: 4096 },
        { major: 8, minor: 0, op: "Write", value: 512 },
      ],
      ioServicedRecursive: [{ major: 8, minor: 0, op: "Read", value: 2 }],
    }),
    [
      { major: 8, minor: 0, op: "Read", bytes: 4096, operations: 2 },
      { major: 8, minor: 0, op: "Write", bytes: 512, operations: 0 },
    ],
  ));

test("a container without a cgroup has used nothing and has no limit", () => {
  const { memory, pids, blockIo } = readCgroupUsage({ v1: [] }, 3, 0);
  assert.deepEqual([memory.usage, memory.limit, memory.oomKills, pids.limit, blockIo], [0, 0, 3, 0, []]);
});
