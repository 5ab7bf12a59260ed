import assert from "node:assert/strict";
import { test } from "node:test";
import { restartDelay, shouldRestart } from "./restart-policy.ts";

const policy = (Name: string, MaximumRetryCount = 0) => ({ Name, MaximumRetryCount });
const ended = (exitCode: number, restartCount = 0, manuallyStopped = false) => ({
  exitCode,
  restartCount,
  manuallyStopped,
});

for (const [name, rule, end, expected] of [
  ["no never restarts", policy("no"), ended(1), false],
  ["always restarts after success", policy("always"), ended(0), true],
  ["always leaves alone what a user stopped", policy("always"), ended(0, 0, true), false],
  ["on-failure leaves success alone", policy("on-failure"), ended(0), false],
  ["on-failure restarts after failure", policy("on-failure"), ended(1, 7), true],
  ["on-unhealthy restarts after failure", policy("on-unhealthy"), ended(1), true],
  ["on-unhealthy leaves success alone", policy("on-unhealthy"), ended(0), false],
  [
    "on-unhealthy restarts what ended well for its bad health",
    policy("on-unhealthy"),
    { ...ended(0), unhealthy: true },
    true,
  ],
  ["on-unhealthy:2 gives up", policy("on-unhealthy", 2), { ...ended(0, 2), unhealthy: true }, false],
  ["on-failure:2 restarts a second time", policy("on-failure", 2), ended(1, 1), true],
  ["on-failure:2 gives up after two restarts", policy("on-failure", 2), ended(1, 2), false],
] as const)
  test(name, () => {
    assert.equal(shouldRestart(rule, end), expected);
  });

test("the delay doubles up to a minute and starts over after a long run", () => {
  assert.equal(restartDelay(0, 5), 100);
  assert.equal(restartDelay(100, 5), 200);
  assert.equal(restartDelay(51_200, 5), 60_000);
  assert.equal(restartDelay(51_200, 10_000), 100);
});
