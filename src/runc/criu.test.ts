import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpOptions, restoreOptions } from "./criu.ts";

test("the flags of a checkpoint are criu's", () => {
  const given = new Map([
    ["tcp-established", ["true"]],
    ["empty-ns", ["network"]],
    ["page-server", ["[::1]:99"]],
  ]);
  assert.equal(
    dumpOptions(given).join(" "),
    "--manage-cgroups=soft --tcp-established --empty-ns net --page-server --address ::1 --port 99",
  );
});

test("a checkpoint behind another follows the memory", () => {
  const given = new Map([["parent-path", ["../first"]]]);
  assert.equal(dumpOptions(given).join(" "), "--manage-cgroups=soft --prev-images-dir ../first --track-mem");
});

test("the flags of a restore are criu's", () => {
  const given = new Map([
    ["file-locks", ["true"]],
    ["lsm-profile", ["selinux:x"]],
  ]);
  assert.equal(restoreOptions(given).join(" "), "--manage-cgroups=soft --file-locks --lsm-profile selinux:x");
});

for (const [name, value, message] of [
  ["manage-cgroups-mode", "other", /Invalid manage cgroups mode/],
  ["empty-ns", "pid", /namespace "pid" is not supported/],
  ["page-server", "here", /Use --page-server ADDRESS:PORT/],
  ["status-fd", "3", /--status-fd is not supported/],
] as const)
  test(`--${name} ${value} is refused`, () => {
    assert.throws(() => dumpOptions(new Map([[name, [value]]])), message);
  });
