// What a container's filter lets through, asked from inside real containers with the real client.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importImage, makeBusyboxRoot } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine | undefined;
const running = (): Engine => {
  assert.ok(engine);
  return engine;
};

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await using root = await makeBusyboxRoot();
  await importImage(engine, root.path, "busybox", []);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
});

const tryRun = (flags: readonly string[], ...command: readonly string[]) =>
  running().tryDocker(["run", "--rm", ...flags, "busybox", ...command]);
const modeOf = async (...flags: readonly string[]): Promise<string> =>
  (await tryRun(flags, "grep", "Seccomp:", "/proc/self/status")).stdout.trim();

for (const [mode, flags] of [
  [2, []],
  [2, ["--user", "33"]],
  [2, ["--security-opt", "no-new-privileges"]],
  [2, ["--security-opt", "no-new-privileges", "--user", "33"]],
  [0, ["--security-opt", "seccomp=unconfined"]],
  [0, ["--privileged"]],
] as const)
  test(`run ${flags.join(" ")} has seccomp mode ${mode}`, { skip }, async () => {
    assert.equal(await modeOf(...flags), `Seccomp:\t${mode}`);
  });

test("a further process has the filter, too", { skip }, async () => {
  const docker: Engine["docker"] = (...args) => running().docker(...args);
  await docker("run", "-d", "--name", "confined", "busybox", "sleep", "1000");
  const status = await docker("exec", "confined", "grep", "Seccomp:", "/proc/self/status");
  const refused = await running().tryDocker(["exec", "confined", "unshare", "-U", "true"]);
  await docker("rm", "-f", "confined");
  assert.equal(status, "Seccomp:\t2");
  assert.match(refused.stderr, /Operation not permitted/);
});

test("a user namespace is refused, and allowed without the profile", { skip }, async () => {
  const refused = await tryRun([], "unshare", "-U", "true");
  assert.match(refused.stderr, /unshare.*Operation not permitted/);
  const allowed = await tryRun(["--security-opt", "seccomp=unconfined"], "unshare", "-U", "true");
  assert.equal(allowed.code, 0, allowed.stderr);
});

test("a profile's file is obeyed", { skip }, async () => {
  const path = join(running().dir, "profile.json");
  const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 };
  writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
  const refused = await tryRun(["--security-opt", `seccomp=${path}`], "mkdir", "/there");
  assert.match(refused.stderr, /No space left on device/);
});

test("a profile that kills ends the program by SIGSYS", { skip }, async () => {
  const path = join(running().dir, "killer.json");
  const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS" };
  writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
  assert.equal((await tryRun(["--security-opt", `seccomp=${path}`], "mkdir", "/there")).code, 128 + 31);
});
