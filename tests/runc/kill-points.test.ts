// kill -9 of each of the three that make a container, at every point at which they deal with each other: whatever is left, the next
// command sees it, and `delete --force` removes it.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../system/until.ts";
import { type Bundle, makeBundle } from "./runc-bundle.ts";

const skip =
  process.getuid?.() !== 0 ? "needs root" : spawnSync("strace", ["-V"]).status !== 0 && "needs strace";

/** Orphans of a command that was killed need a moment to notice. */
async function assertNothingRemains(bundle: Bundle, when: string): Promise<void> {
  await until(() => bundle.remains().length === 0);
  assert.deepEqual(bundle.remains(), [], when);
}

async function checkAndDelete(bundle: Bundle, when: string): Promise<void> {
  const listed = bundle.run(["list", "--quiet"]);
  assert.equal(listed.code, 0, `${when}: ${listed.stderr}`);
  const removed = bundle.run(["delete", "--force", bundle.id]);
  assert.deepEqual([removed.code, removed.stderr], [0, ""], when);
  await assertNothingRemains(bundle, when);
}

const stracing = (calls: string, at: number, ...more: readonly string[]): readonly string[] => [
  "strace",
  "-qqo/dev/null",
  ...more,
  `-etrace=${calls}`,
  `-einject=${calls}:signal=SIGKILL:when=${at}`,
];

const MOST = 40;

/** Kills at the first, second, … call of each kind until the command comes through. */
async function killAt(bundle: Bundle, verb: readonly string[], calls: readonly string[], ...more: string[]) {
  let killed = 0;
  for (const call of calls) {
    for (let at = 1, code: number | null = -1; code !== 0; at++) {
      assert.ok(at < MOST, `${call} has no end`);
      const under = stracing(call, at, ...more);
      ({ code } = bundle.run([...verb, bundle.id], { detached: true, under }));
      await checkAndDelete(bundle, `${verb.join(" ")}, ${call} number ${at}`);
      if (code !== 0) killed++;
    }
  }
  return killed;
}

for (const verb of [["create"], ["run"], ["run", "--detach"]])
  test(`${verb.join(" ")}: the client is killed at each of its messages`, { skip }, async () => {
    await using bundle = await makeBundle({ args: ["true"] });
    const killed = await killAt(bundle, verb, ["sendto", "clone3", "recvmsg", "sendmsg", "poll"]);
    assert.ok(killed >= 10, `${killed} points`);
  });

test("run: the container's process is killed at each step towards its start", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  // Not `create`, whose child would be waited for by strace.
  const steps = ["clone3", "setsid", "pivot_root", "capset", "sendmsg", "chdir"];
  const killed = await killAt(bundle, ["run"], steps, "-f");
  assert.ok(killed >= 6, `${killed} points`);
});

/** Attaches to the resident, which must be there. */
async function killResidentAt(bundle: Bundle, calls: string, at: number): Promise<AsyncDisposable> {
  const [pid = 0] = bundle.residents();
  const [name = "", ...words] = stracing(calls, at, `-p${pid}`);
  const child = spawn(name, words, { stdio: ["ignore", "ignore", "pipe"] });
  while (!/TracerPid:\t[1-9]/.test(await readStatus(pid))) await delay(2);
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.signalCode === null && child.kill()) await ended;
    },
  };
}

const readStatus = (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/status`, "utf8").catch(() => "TracerPid:\t1");

for (const verb of [["create"], ["run"], ["run", "--detach"]])
  test(`${verb.join(" ")}: the resident is killed at each of its writes`, { skip }, async () => {
    await using bundle = await makeBundle({ args: ["true"] });
    let killed = 0;
    for (const call of ["write", "writev", "rename", "mkdir", "unlink"]) {
      for (let at = 1, lives = false; !lives; at++) {
        assert.ok(at < 3 * MOST, `${call} has no end`);
        bundle.run(["list"]); // a resident is there
        const [resident] = bundle.residents();
        {
          await using _strace = await killResidentAt(bundle, call, at);
          bundle.run([...verb, bundle.id], { detached: true });
          lives = bundle.residents()[0] === resident;
        }
        await checkAndDelete(bundle, `${verb.join(" ")}, ${call} number ${at} of the resident`);
        if (!lives) killed++;
      }
    }
    assert.ok(killed >= 5, `${killed} points`);
  });
