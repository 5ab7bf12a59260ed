// kill -9 of gantry-containerd below a gantryd that goes on.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startBackground } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine({ containerd: "separate" });
  await importBusybox(engine);
});
after(async () => engine?.[Symbol.asyncDispose]());

/** A container that ends with 42 when `/stop` is there. */
async function startPatient(
  name: string,
): Promise<{ readonly pid: string; readonly stop: () => Promise<void> }> {
  const script = "echo ready; while [ ! -e /stop ]; do sleep 0.05; done; echo stopping; exit 42";
  await engine.docker("run", "-d", "--name", name, "busybox", "sh", "-c", script);
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", name);
  return { pid, stop: () => writeFile(`/proc/${pid}/root/stop`, "") };
}

test("containers live on and can be used as before", { skip }, async () => {
  const { pid, stop } = await startPatient("used");
  await engine.crashContainerd();
  assert.ok(existsSync(`/proc/${pid}`));
  assert.equal(await engine.docker("inspect", "-f", "{{.State.Running}}", "used"), "true");
  assert.equal(await engine.docker("exec", "used", "echo", "still"), "still");
  assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "new"), "new");
  await stop();
  assert.equal(await engine.docker("wait", "used"), "42");
  assert.equal(await engine.docker("logs", "used"), "ready\nstopping");
  await engine.docker("rm", "used");
});

test("an exit that happened meanwhile reaches who waits for it", { skip }, async () => {
  const { pid, stop } = await startPatient("meanwhile");
  const waiting = engine.docker("wait", "meanwhile");
  const following = startBackground(["docker", "-H", engine.host, "logs", "-f", "meanwhile"]);
  await following.line(/ready/);
  await engine.crashContainerd(async () => {
    await stop();
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
  });
  assert.equal(await waiting, "42");
  await following.line(/stopping/);
  await following.end();
  await engine.docker("rm", "meanwhile");
});

test("the exit code of an exec that went on is told", { skip }, async () => {
  const { stop } = await startPatient("execed");
  const script = "while [ ! -e /go ]; do sleep 0.05; done; exit 5";
  const events = startBackground(["docker", "-H", engine.host, "events", "--filter", "container=execed"]);
  const exec = engine.tryDocker(["exec", "execed", "sh", "-c", script]);
  await events.line(/exec_start/);
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "execed");
  await engine.crashContainerd(() => writeFile(`/proc/${pid}/root/go`, ""));
  await exec;
  await events.line(/exec_die.*exitCode=5/);
  await events.end();
  await stop();
  await engine.docker("wait", "execed");
  await engine.docker("rm", "execed");
});

test("both processes killed at once: their successors know the container", { skip }, async () => {
  const { pid, stop } = await startPatient("both");
  await engine.kill();
  await engine.crashContainerd();
  await engine.restart();
  assert.equal(
    await engine.docker("inspect", "-f", "{{.State.Running}} {{.State.Pid}}", "both"),
    `true ${pid}`,
  );
  await stop();
  assert.equal(await engine.docker("wait", "both"), "42");
  await engine.docker("rm", "both");
});
