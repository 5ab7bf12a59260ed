import assert from "node:assert/strict";
import { test } from "node:test";
import { barMessage, encodeProgress, errorMessage, statusMessage, stepMessage } from "./progress-messages.ts";

// The expected lines are what dockerd 20.10 sent.
for (const [message, line] of [
  [statusMessage("Pulling from team/busybox", "1"), '{"status":"Pulling from team/busybox","id":"1"}'],
  [
    stepMessage("ab746fc5f311", "Pulling fs layer"),
    '{"status":"Pulling fs layer","progressDetail":{},"id":"ab746fc5f311"}',
  ],
  [
    barMessage("ab746fc5f311", "Downloading", 36445, 1069018),
    '{"status":"Downloading","progressDetail":{"current":36445,"total":1069018},"progress":"[=\\u003e                                                 ]  36.45kB/1.069MB","id":"ab746fc5f311"}',
  ],
  [
    barMessage("ab746fc5f311", "Extracting", 1069018, 1069018),
    '{"status":"Extracting","progressDetail":{"current":1069018,"total":1069018},"progress":"[==================================================\\u003e]  1.069MB/1.069MB","id":"ab746fc5f311"}',
  ],
  [errorMessage("no"), '{"errorDetail":{"message":"no"},"error":"no"}'],
] as const) {
  test(`writes ${line.slice(0, 60)} byte for byte`, () => {
    assert.equal(encodeProgress(message), `${line}\r\n`);
  });
}
