import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityMasks } from "./capabilities.ts";
import { execCandidates, withHome } from "./exec-candidates.ts";
import { checkWorkingDirectory } from "./working-directory.ts";

test("a program is looked for along the container's own PATH", () => {
  assert.deepEqual(execCandidates("ls", ["PATH=/wrong", "PATH=/bin:/usr/bin/:"]), [
    "/bin/ls",
    "/usr/bin/ls",
    "./ls",
  ]);
  assert.deepEqual(execCandidates("./ls", ["PATH=/bin"]), ["./ls"]);
  assert.deepEqual(execCandidates("ls", []), []);
  assert.deepEqual(execCandidates("", ["PATH=/bin"]), []);
});

test("HOME is given only to who has none", () => {
  assert.deepEqual(withHome(["HOME="], 0), ["HOME="]);
  assert.deepEqual(withHome([], 0), ["HOME=/root"]);
  assert.deepEqual(withHome([], 5), ["HOME=/"]);
});

for (const path of [
  "/proc/self/fd/7",
  "/proc/1/fd",
  "/x/../proc/self/cwd/..//../self/fd/3",
  "/proc/thread-self/root/x",
  "/proc/self/task/1/fd/9",
])
  test(`the working directory ${path} is refused`, () => {
    assert.throws(() => checkWorkingDirectory(path), /breakout/);
  });

test("other working directories are normalised", () => {
  assert.equal(checkWorkingDirectory("/a/./b//c/"), "/a/b/c");
  assert.equal(checkWorkingDirectory("/"), "/");
  assert.throws(() => checkWorkingDirectory(""), /absolute/);
});

test("only what the bounding set has is granted, the rest told once", () => {
  const told: string[] = [];
  const sets = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_X"],
    effective: ["CAP_KILL"],
    ambient: ["CAP_CHOWN"],
  };
  const masks = capabilityMasks(sets, 0b1n, (message) => told.push(message));
  assert.deepEqual(masks, { bounding: 1n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n });
  assert.deepEqual(told, ["capabilities that this machine cannot grant are left out: CAP_KILL, CAP_X"]);
});

test("ambient is only what is permitted and inheritable, as the kernel has it", () => {
  const sets = { permitted: ["CAP_CHOWN"], inheritable: ["CAP_CHOWN"], ambient: ["CAP_CHOWN"] };
  const ignored = (): void => {};
  assert.equal(capabilityMasks(sets, 1n, ignored).ambient, 1n);
  assert.equal(capabilityMasks({ ...sets, inheritable: [] }, 1n, ignored).ambient, 0n);
  assert.equal(capabilityMasks({ ...sets, permitted: [] }, 1n, ignored).ambient, 0n);
});
