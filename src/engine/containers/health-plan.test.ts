import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeContainerConfig } from "#spec/container-config.ts";
import { applyResult, nextProbe, planHealth, startingHealth } from "./health-plan.ts";

const plan = (Healthcheck: object) => planHealth(decodeContainerConfig({ Healthcheck }, ""));
const result = (exitCode: number) => ({ start: "", end: "", exitCode, output: "" });

test("a shell check runs in the shell, with Docker's default times", () => {
  assert.deepEqual(plan({ Test: ["CMD-SHELL", "true || false"] }), {
    command: ["/bin/sh", "-c", "true || false"],
    interval: 30_000,
    timeout: 30_000,
    startPeriod: 0,
    startInterval: 5000,
    startIntervalFor: 0,
    retries: 3,
  });
});

test("NONE and an empty test are no check", () => {
  assert.equal(plan({ Test: ["NONE"] }), undefined);
  assert.equal(plan({ Test: [] }), undefined);
});

test("retries failures in a row make it unhealthy, one success healthy again", () => {
  const found = plan({ Test: ["CMD", "x"], Retries: 2 });
  assert.ok(found);
  const once = applyResult(startingHealth, result(1), found, 0);
  assert.deepEqual([once.status, once.failingStreak], ["starting", 1]);
  const twice = applyResult(once, result(1), found, 0);
  assert.equal(twice.status, "unhealthy");
  assert.deepEqual(applyResult(twice, result(0), found, 0).status, "healthy");
});

test("failures of the start period do not count, and probes come at its own interval", () => {
  const found = plan({ Test: ["CMD", "x"], Retries: 1, StartPeriod: 10e9, StartInterval: 1e9 });
  assert.ok(found);
  assert.equal(applyResult(startingHealth, result(1), found, 9999).status, "starting");
  assert.equal(applyResult(startingHealth, result(1), found, 10_000).status, "unhealthy");
  assert.equal(nextProbe(startingHealth, found, 0), 1000);
  assert.equal(nextProbe(startingHealth, found, 10_000), 30_000);
});

test("a start interval without a start period holds until the first verdict, and its failures count", () => {
  const found = plan({ Test: ["CMD", "x"], Retries: 2, StartInterval: 1e9 });
  assert.ok(found);
  const once = applyResult(startingHealth, result(1), found, 5);
  assert.deepEqual([nextProbe(startingHealth, found, 0), nextProbe(once, found, 60_000)], [1000, 1000]);
  const twice = applyResult(once, result(1), found, 5);
  assert.deepEqual([twice.status, nextProbe(twice, found, 60_000)], ["unhealthy", 30_000]);
});

test("five results are kept", () => {
  const found = plan({ Test: ["CMD", "x"] });
  assert.ok(found);
  let health = startingHealth;
  for (let code = 1; code <= 7; code++) health = applyResult(health, result(code), found, 0);
  assert.deepEqual(
    health.log.map(({ exitCode }) => exitCode),
    [3, 4, 5, 6, 7],
  );
});
