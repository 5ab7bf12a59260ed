// --init: process 1 of a container that passes signals on and reaps what others leave.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";

describe("--init", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine({ config: { init: true } });
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const run = (...args: string[]) => engine.tryDocker(["run", "--rm", ...args]);

  test("the daemon's default can be told otherwise", async () => {
    const first = (...args: string[]) => run(...args, "busybox", "head", "-c", "17", "/proc/1/cmdline");
    assert.equal((await first()).stdout, "/sbin/docker-init");
    assert.match((await first("--init=false")).stdout, /^head/);
  });

  test("what has no parent is reaped", async () => {
    const orphans = "for i in 1 2 3; do (true &); done";
    const gone =
      "for i in $(seq 200); do grep -q ' Z ' /proc/[0-9]*/stat || exit 0; usleep 10000; done; exit 1";
    assert.equal((await run("busybox", "sh", "-c", `${orphans}; ${gone}`)).code, 0);
  });

  test("the container ends as its command does", async () => {
    assert.equal((await run("busybox", "sh", "-c", "exit 9")).code, 9);
    assert.equal((await run("busybox", "sh", "-c", "kill -9 $$")).code, 137);
    assert.equal((await run("busybox", "nosuch")).code, 127);
    assert.equal((await run("busybox", "/etc/passwd")).code, 126);
  });

  test("signals reach the command", async () => {
    const script = "trap 'exit 4' USR1; echo ready; sleep 1000 & wait";
    const id = await engine.docker("run", "-d", "busybox", "sh", "-c", script);
    while (!(await engine.docker("logs", id)).includes("ready"));
    await engine.docker("kill", "-s", "USR1", id);
    assert.equal(await engine.docker("wait", id), "4");
    await engine.docker("rm", id);
  });

  test("a container that shares the host's processes has none", async () => {
    assert.equal((await run("--pid", "host", "busybox", "test", "-e", "/sbin/docker-init")).code, 1);
  });
});
