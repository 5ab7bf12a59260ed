// gantry-runc as a tool drives it: bundles of static busybox, every command a process of its own.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Bundle, makeBundle, messageOf, program } from "./runc-bundle.ts";

const skip = process.getuid?.() !== 0 && "needs root";

test("run gives the program the command's streams and takes its exit code", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sh", "-c", "cat; echo told >&2; exit 7"] });
  const result = bundle.run(["run", bundle.id], { input: "asked\n" });
  assert.deepEqual(result, { code: 7, stdout: "asked\n", stderr: "told\n" });
  assert.deepEqual(readdirSync(join(bundle.path, "state")), []);
});

test("a container goes from created over running to stopped, each command for itself", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  const id = bundle.id;
  const run: Bundle["run"] = (...asked) => bundle.run(...asked);
  const stateOf = () => JSON.parse(run(["state", id]).stdout);
  const pidFile = join(bundle.path, "pid");
  assert.equal(run(["create", "--pid-file", pidFile, id], { detached: true }).code, 0);
  assert.equal(stateOf().status, "created");
  assert.equal(stateOf().pid, Number(readFileSync(pidFile, "utf8")));
  assert.equal(run(["start", id]).code, 0);
  assert.equal(stateOf().status, "running");
  assert.match(run(["list"]).stdout, new RegExp(`^${id} +\\d+ +running +${bundle.path} `, "m"));
  assert.equal(messageOf(run(["start", id])), "cannot start an already running container");
  assert.equal(messageOf(run(["delete", id])), `cannot delete container ${id} that is not stopped: running`);
  assert.equal(run(["kill", id, "KILL"]).code, 0);
  while (stateOf().status !== "stopped");
  assert.equal(messageOf(run(["kill", id])), "container not running");
  assert.equal(run(["delete", id]).code, 0);
  assert.equal(messageOf(run(["state", id])), "container does not exist");
});

test("exec joins a running container", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  const id = bundle.id;
  const run: Bundle["run"] = (...asked) => bundle.run(...asked);
  assert.equal(run(["run", "--detach", id], { detached: true }).code, 0);
  const result = run(["exec", "--cwd", "/etc", "-e", "WHO=me", id, "sh", "-c", "echo $WHO; pwd; exit 3"]);
  assert.deepEqual([result.code, result.stdout], [3, "me\n/etc\n"]);
  const missing = run(["exec", id, "/nowhere"]);
  assert.equal(missing.code, 255);
  assert.match(messageOf(missing), /exec failed: .*stat \/nowhere: no such file or directory/);
});

test("a program that is not there leaves no container", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["no-such-program"] });
  const result = bundle.run(["run", bundle.id]);
  assert.equal(result.code, 1);
  assert.match(messageOf(result), /exec: "no-such-program": executable file not found in \$PATH/);
  assert.deepEqual(readdirSync(join(bundle.path, "state")), []);
});

test("plan prints each operation and makes nothing", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  const { stdout, code } = bundle.run(["plan", "."]);
  assert.equal(code, 0);
  assert.match(stdout, /pivot_root\(/);
  assert.deepEqual(
    readdirSync(bundle.path)
      .filter((name) => !name.startsWith("sockets-"))
      .sort(),
    ["config.json", "rootfs"],
  );
});

test("a log in JSON has the last error", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  const log = join(bundle.path, "log.json");
  assert.equal(bundle.run(["--log", log, "--log-format", "json", "state", "nobody"]).code, 1);
  const { level, msg } = JSON.parse(readFileSync(log, "utf8"));
  assert.deepEqual({ level, msg }, { level: "error", msg: "container does not exist" });
});

for (const [words, message] of [
  [["restore", "--no-pivot", "x"], /--no-pivot is not supported/],
  [["restore", "--console-socket", "x", "y"], /--console-socket is not supported/],
  [["list", "--bogus"], /flag provided but not defined: -bogus/],
  [["create"], /create.* requires exactly 1 argument/],
] as const)
  test(`${words.join(" ")} is refused by name`, () => {
    const { status, stderr } = spawnSync(program, words, {
      encoding: "utf8",
      env: { ...process.env, GANTRY_RUNC_LINGER: "0" },
    });
    assert.equal(status, 1);
    assert.match(stderr, message);
  });
