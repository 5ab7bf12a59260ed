import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBind } from "./mount-spec.ts";
import { choosePropagation } from "./propagation.ts";

for (const [bind, expected] of [
  ["/src:/x", "rprivate"],
  ["/src:/x:rshared", "rshared"],
  ["/:/host", "rslave"],
  ["/var:/x", "rslave"],
  ["/var/lib/gantry/volumes:/x", "rslave"],
  ["/var:/x:rshared", "rshared"],
] as const)
  test(`${bind} is ${expected}`, () => {
    assert.equal(choosePropagation(parseBind(bind), "/var/lib/gantry").propagation, expected);
  });

test("the daemon's own files cannot be cut off from its unmounts", () => {
  assert.throws(() => choosePropagation(parseBind("/:/host:rprivate"), "/var/lib/gantry"), {
    kind: "invalid",
    message: /must use either propagation mode "rslave" or "rshared"/,
  });
});
