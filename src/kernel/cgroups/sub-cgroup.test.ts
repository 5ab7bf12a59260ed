import assert from "node:assert/strict";
import { test } from "node:test";
import { allDirectories, type CgroupPaths } from "./paths.ts";
import { subCgroup } from "./sub-cgroup.ts";

const v1: CgroupPaths = {
  v1: [
    { controllers: ["cpu", "cpuacct"], mountPoint: "/c/cpu", directory: "/c/cpu/box" },
    { controllers: ["pids"], mountPoint: "/c/pids", directory: "/c/pids/box" },
  ],
};
const v2: CgroupPaths = { v1: [], v2: { mountPoint: "/c", directory: "/c/box" } };

test("a path alone is below every hierarchy's", () => {
  assert.deepEqual(allDirectories(subCgroup(v1, ["a/b"])), ["/c/cpu/box/a/b", "/c/pids/box/a/b"]);
  assert.deepEqual(allDirectories(subCgroup(v2, ["/a/"])), ["/c/box/a"]);
  assert.deepEqual(subCgroup(v2, []), v2);
});

test("with controllers it is below theirs alone", () => {
  assert.deepEqual(allDirectories(subCgroup(v1, ["cpu,cpuacct:a"])), ["/c/cpu/box/a", "/c/pids/box"]);
  assert.deepEqual(allDirectories(subCgroup(v1, ["cpu:a", "pids:b"])), ["/c/cpu/box/a", "/c/pids/box/b"]);
});

for (const [words, message] of [
  [["a:b:c"], "invalid --cgroup argument: a:b:c"],
  [["a", "b"], "invalid --cgroup argument: a (missing <controller>: prefix)"],
  [["cpu:a", "cpu:b"], "invalid --cgroup argument(s): controller cpu specified multiple times"],
  [["memory:a"], "unable to create new parent process: unknown controller memory in SubCgroupPaths"],
  [["../boxer"], "unable to create new parent process: ../boxer is not a sub cgroup path"],
] as const)
  test(`${words.join(" ")} is refused`, () => {
    assert.throws(() => subCgroup(v1, words), { message });
  });
