// docker checkpoint and start --checkpoint with the real criu, where the kernel has what it needs (a guest has: tests/vm). What the
// daemon does around criu is tested in checkpoint.test.ts, on every machine.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip =
  (process.getuid?.() !== 0 || spawnSync("criu", ["check"]).status !== 0) && "needs root and what criu needs";

/** Counts in a variable of its own, which only its memory has, and says so in its log. */
const counter = "trap 'exit 7' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done";

const countsOf = async (engine: Engine, name: string): Promise<readonly number[]> =>
  (await engine.docker("logs", name)).split("\n").filter(Boolean).map(Number);

/** Until the log has more than that many lines. */
async function advance(engine: Engine, name: string, beyond: number): Promise<void> {
  for (
    const end = performance.now() + 120_000;
    (await countsOf(engine, name)).length <= beyond;
    await delay(50)
  )
    assert.ok(performance.now() < end, `the count stays at ${beyond}`);
}

async function criuLog(engine: Engine, verb: string): Promise<string> {
  const id = await engine.docker("inspect", "-f", "{{.Id}}", "count").catch(() => "");
  const log = join(engine.dir, "root/containers", id, "criu", `${verb}.log`);
  return spawnSync("tail", ["-n", "60", log], { encoding: "utf8" }).stdout;
}

async function must(engine: Engine, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.tryDocker(words);
  const verb = words[0] === "start" ? "restore" : "dump";
  assert.equal(code, 0, `${words.join(" ")}: ${stderr}${code === 0 ? "" : await criuLog(engine, verb)}`);
  return stdout.trimEnd();
}

test("a container goes on from its checkpoint, with log, network, exec and exit code", { skip }, async () => {
  await using engine = await startEngine({ config: { experimental: true } });
  await importBusybox(engine);
  await must(engine, "run", "-d", "--name", "count", "-v", "kept:/kept", "busybox", "sh", "-c", counter);
  await advance(engine, "count", 5);

  assert.equal(await must(engine, "checkpoint", "create", "--leave-running", "count", "first"), "first");
  await advance(engine, "count", (await countsOf(engine, "count")).length);
  await must(engine, "checkpoint", "create", "count", "second");
  const state = "{{.State.Status}} {{.State.ExitCode}}";
  assert.equal(await engine.docker("inspect", "-f", state, "count"), "exited 137");
  assert.equal(await engine.docker("checkpoint", "ls", "count"), "CHECKPOINT NAME\nfirst\nsecond");

  const saved = (await countsOf(engine, "count")).length;
  await must(engine, "start", "--checkpoint", "second", "count");
  await advance(engine, "count", saved + 3);
  const address = await engine.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "count");
  assert.match(await must(engine, "exec", "count", "ip", "addr"), new RegExp(`inet ${address}/`));
  await must(engine, "exec", "count", "sh", "-c", "echo there > /kept/file");
  await must(engine, "exec", "count", "true");

  await engine.kill();
  await engine.restart();
  await advance(engine, "count", (await countsOf(engine, "count")).length);
  const counts = await countsOf(engine, "count");
  assert.deepEqual(
    counts,
    counts.map((_, index) => index + 1),
    "it neither began again nor left something out",
  );
  await must(engine, "pause", "count");
  await must(engine, "unpause", "count");
  await must(engine, "stop", "count");
  assert.equal(await engine.docker("inspect", "-f", state, "count"), "exited 7");

  const id = await engine.docker("inspect", "-f", "{{.Id}}", "count");
  await rm(join(engine.dir, "root/containers", id, "checkpoints/first/pstree.img"));
  const failed = await engine.tryDocker(["start", "--checkpoint", "first", "count"]);
  assert.match(failed.stderr, /criu failed: (exit status|signal) \d+.*\nlog file: /);
  assert.equal(await engine.docker("inspect", "-f", state, "count"), "exited 128");
  await must(engine, "start", "count");
  await engine.docker("rm", "-f", "count");
});

test("a container that criu cannot save runs on", { skip }, async () => {
  await using engine = await startEngine({ config: { experimental: true } });
  await importBusybox(engine);
  // Without an input that stays open, both ends would close at once.
  const connected =
    "mkfifo /p; sleep 9999 >/p & nc -l -p 99 </p & until nc 127.0.0.1 99 </p; do :; done; wait";
  await must(engine, "run", "-d", "--name", "count", "busybox", "sh", "-c", connected);
  for (const end = performance.now() + 120_000; ; await delay(50)) {
    const sockets = await must(engine, "exec", "count", "netstat", "-tn");
    if (sockets.includes("ESTABLISHED")) break;
    assert.ok(performance.now() < end);
  }
  const failed = await engine.tryDocker(["checkpoint", "create", "count", "connected"]);
  assert.match(failed.stderr, /Cannot checkpoint container count: criu failed: exit status 1: /);
  await must(engine, "exec", "count", "true");
  assert.equal(await engine.docker("checkpoint", "ls", "count"), "CHECKPOINT NAME");
  await engine.docker("rm", "-f", "count");
});
