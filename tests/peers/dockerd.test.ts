// The real dockerd with gantry-runc among its runtimes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { installRuntime, settledLeftovers } from "./leftovers.ts";

const skip = process.getuid?.() !== 0 && "needs root";

test("dockerd runs containers on gantry-runc from their making to their end", { skip }, async () => {
  await using undo = new AsyncDisposableStack();
  const runtime = await installRuntime(undo);
  await using peer = await startPeer({ runtime });
  await importBusybox(peer);
  const run = (...words: readonly string[]) =>
    peer.tryDocker(["-s", "KILL", "40", "docker", ...words], { program: "timeout" });

  const brief = await run("run", "--rm", "busybox", "sh", "-c", "echo told; echo more >&2; exit 7");
  assert.deepEqual(brief, { code: 7, stdout: "told\n", stderr: "more\n" });
  const terminal = await run("run", "--rm", "-t", "busybox", "tty");
  assert.deepEqual([terminal.code, terminal.stdout], [0, "/dev/pts/0\r\n"]);
  const missing = await run("run", "--rm", "busybox", "/nowhere");
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /exec: "\/nowhere": stat \/nowhere: no such file or directory/);

  const started = await run("run", "-d", "--name", "long", "-m", "64m", "busybox", "sleep", "1000");
  assert.equal(started.code, 0, started.stderr);
  const id = started.stdout.trim();
  const inside = await peer.tryDocker(["exec", "-i", "long", "cat"], { input: "passed\n" });
  assert.deepEqual(inside, { code: 0, stdout: "passed\n", stderr: "" });
  assert.deepEqual((await run("exec", "-t", "long", "tty")).stdout, "/dev/pts/0\r\n");
  assert.equal((await run("exec", "long", "sh", "-c", "exit 5")).code, 5);
  assert.match((await run("top", "long")).stdout, /sleep 1000/);

  await peer.docker("pause", "long");
  assert.match(await peer.docker("ps", "--format", "{{.Status}}"), /Paused/);
  await peer.docker("unpause", "long");
  await peer.docker("update", "-m", "128m", "--memory-swap", "256m", "long");
  assert.match(await peer.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "long"), /\/ 128MiB$/);

  await peer.docker("stop", "-t", "1", "long");
  assert.equal(
    await peer.docker("inspect", "-f", "{{.State.ExitCode}} {{.State.Status}}", "long"),
    "137 exited",
  );
  await peer.docker("start", "long");
  await peer.docker("pause", "long");
  assert.equal((await run("rm", "-f", "long")).code, 0);
  assert.deepEqual(await settledLeftovers([id], id), []);
});
