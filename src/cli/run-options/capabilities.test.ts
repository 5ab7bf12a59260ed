import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseCapabilities } from "./capabilities.ts";

test("capabilities have their full names, once, in order", () => {
  const { CapAdd } = chooseCapabilities(["net_raw", "CAP_CHOWN", "chown"], []);
  assert.deepEqual(CapAdd, ["CAP_CHOWN", "CAP_NET_RAW"]);
});

test("ALL stands for the others", () => {
  assert.deepEqual(chooseCapabilities(["all", "KILL"], ["ALL"]), { CapAdd: ["ALL"], CapDrop: ["ALL"] });
});

test("what is added is not dropped", () => {
  assert.deepEqual(chooseCapabilities(["KILL"], ["KILL", "CHOWN"]).CapDrop, ["CAP_CHOWN"]);
});
