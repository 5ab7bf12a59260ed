import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLimits } from "./limits.ts";
import { parseStatus } from "./status.ts";

test("limits are read by their kernel names and unlimited is not a number", () => {
  const limits = parseLimits(
    [
      "Limit                     Soft Limit           Hard Limit           Units     ",
      "Max cpu time              unlimited            unlimited            seconds   ",
      "Max open files            1024                 524288               files     ",
      "Max nice priority         0                    0                    ",
    ].join("\n"),
  );
  assert.deepEqual(limits.get("RLIMIT_NOFILE"), { soft: 1024n, hard: 524288n });
  assert.deepEqual(limits.get("RLIMIT_CPU"), {});
  assert.deepEqual(limits.get("RLIMIT_NICE"), { soft: 0n, hard: 0n });
});

test("capability masks are read as bits", () => {
  const status = parseStatus(
    "Name:\tcat\nState:\tR (running)\nCapInh:\t0000000000000000\nCapBnd:\t000001fffeffffff\n",
  );
  assert.equal(status.capBounding, 0x1fffeffffffn);
  assert.equal(status.capAmbient, 0n);
  assert.equal(status.state, "R");
});
