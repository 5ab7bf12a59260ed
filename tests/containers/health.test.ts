// Health checks of real containers, and what follows from them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";

describe("health checks", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const create = (check: string, ...options: string[]) =>
    engine.docker("create", "--health-cmd", check, ...options, "busybox", "sleep", "1000");
  test("a start interval without a start period is obeyed", async () => {
    const id = await create("true", "--health-interval", "1h", "--health-start-interval", "10ms");
    await engine.docker("start", id);
    const inspect = () => engine.docker("inspect", "-f", "{{.State.Health.Status}}", id);
    await until(async () => (await inspect()) === "healthy");
    assert.equal(await inspect(), "healthy");
    await engine.docker("rm", "-f", id);
  });

  test("--restart on-unhealthy starts a container again whose check fails, as often as it says", async () => {
    const check = ["--health-interval", "20ms", "--health-retries", "1", "--stop-signal", "KILL"];
    const id = await create("false", ...check, "--restart", "on-unhealthy:2");
    await engine.docker("start", id);
    const state = () =>
      engine.docker("inspect", "-f", "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}", id);
    await until(async () => (await state()).startsWith("exited"));
    assert.equal(await state(), "exited 2 137");
    await engine.docker("rm", id);
  });

  test("what a check said that took too long is kept", async () => {
    const id = await create(
      "echo half; sleep 1000",
      "--health-interval",
      "10ms",
      "--health-timeout",
      "100ms",
    );
    await engine.docker("start", id);
    const log = () => engine.docker("inspect", "-f", "{{json .State.Health.Log}}", id);
    await until(async () => (await log()) !== "[]");
    const [first] = JSON.parse(await log());
    assert.equal(first.ExitCode, -1);
    assert.equal(first.Output, "Health check exceeded timeout (100ms): half\n");
    await engine.docker("rm", "-f", id);
  });
});
