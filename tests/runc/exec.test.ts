// Where a further process of a container goes, beside the real runc.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../system/until.ts";
import { type Bundle, makeBundle, messageOf, program, type Result } from "./runc-bundle.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const hasPeer = /^runc version 1\.1\./.test(
  spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout ?? "",
);

const cgroupsOf = ({ id }: Bundle): readonly string[] =>
  globSync([`/sys/fs/cgroup/*/${id}`, `/sys/fs/cgroup/${id}`]);

/** Makes a cgroup below each of the container's. */
function makeInner(bundle: Bundle): Disposable {
  const made = cgroupsOf(bundle).map((path) => join(path, "inner"));
  for (const path of made) {
    mkdirSync(path);
    for (const file of ["cpuset.cpus", "cpuset.mems"]) // of version 1: empty there, and then nobody may join
      if (/\/cpuset\//.test(path)) writeFileSync(join(path, file), readFileSync(join(path, "..", file)));
  }
  return {
    [Symbol.dispose]: () => made.filter((path) => existsSync(path)).forEach((path) => void rmdirSync(path)),
  };
}

test("exec --cgroup starts the process below the container's cgroup", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  assert.equal(bundle.run(["run", "--detach", bundle.id], { detached: true }).code, 0);
  using _inner = makeInner(bundle);
  const places = (...words: readonly string[]): readonly string[] => {
    const { stdout, stderr } = bundle.run(["exec", ...words, bundle.id, "cat", "/proc/self/cgroup"]);
    assert.equal(stderr, "");
    return stdout.split("\n").filter((line) => /inner/.test(line));
  };
  assert.deepEqual(places(), []);
  assert.equal(places("--cgroup", "inner").length, cgroupsOf(bundle).length);
  if (existsSync("/sys/fs/cgroup/pids"))
    assert.match(places("--cgroup", "pids:inner").join(), /^\d+:pids:[^,]*inner$/);
});

test("a wrong --cgroup is refused as by runc", {
  skip: skip || (!hasPeer && "no runc 1.1 here"),
}, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  const peer = (...words: readonly string[]): Result => {
    const globals = ["--root", join(bundle.path, "peer")];
    const { status, stdout, stderr } = spawnSync("runc", [...globals, ...words], {
      cwd: bundle.path,
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  };
  assert.equal(bundle.run(["run", "--detach", bundle.id], { detached: true }).code, 0);
  const known = spawnSync("runc", ["--root", join(bundle.path, "peer"), "run", "-d", `${bundle.id}-peer`], {
    cwd: bundle.path,
    stdio: "ignore",
  });
  assert.equal(known.status, 0);
  try {
    for (const words of [["a:b:c"], ["a", "b"], ["../x"], ["nonsense:x"]]) {
      const flags = words.flatMap((word) => ["--cgroup", word]);
      const ours = bundle.run(["exec", ...flags, bundle.id, "true"]);
      const theirs = peer("exec", ...flags, `${bundle.id}-peer`, "true");
      assert.deepEqual([ours.code, messageOf(ours)], [theirs.code, messageOf(theirs)]);
    }
    const missing = bundle.run(["exec", "--cgroup", "nowhere", bundle.id, "true"]);
    assert.deepEqual(
      [missing.code, peer("exec", "--cgroup", "nowhere", `${bundle.id}-peer`, "true").code],
      [255, 255],
    );
    assert.match(messageOf(missing), /join cgroup.*: ENOENT/);
  } finally {
    peer("delete", "--force", `${bundle.id}-peer`);
  }
});

test("exec --ignore-paused goes on when the container does", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  assert.equal(bundle.run(["run", "--detach", bundle.id], { detached: true }).code, 0);
  assert.equal(bundle.run(["pause", bundle.id]).code, 0);
  assert.match(messageOf(bundle.run(["exec", bundle.id, "true"])), /use --ignore-paused to override/);
  const words = [...bundle.globals, "exec", "--ignore-paused", bundle.id, "sh", "-c", "exit 6"];
  const command = spawn(program, words, { env: bundle.env, stdio: "ignore" });
  const exit = once(command, "exit");
  await joined(bundle);
  assert.equal(command.exitCode, null);
  assert.equal(bundle.run(["resume", bundle.id]).code, 0);
  assert.deepEqual(await exit, [6, null]);
});

/** Until a second process is in the frozen cgroup. */
async function joined({ id }: Bundle): Promise<void> {
  const [path = ""] = globSync([`/sys/fs/cgroup/freezer/${id}/tasks`, `/sys/fs/cgroup/${id}/cgroup.procs`]);
  const count = (): number => readFileSync(path, "utf8").trim().split("\n").length;
  await until(() => count() >= 2);
  assert.equal(count(), 2);
}
