import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { DbusMessage } from "#formats/dbus/message.ts";
import { job, openFakeBus, removed, reply } from "../systemd/fake-bus.ts";
import { openRecordedTree } from "./recorded-tree.ts";
import { closeUnitCgroup, openUnitCgroup, updateUnitCgroup } from "./systemd-cgroup.ts";
import { parseUnit } from "./systemd-unit.ts";

const signal = new AbortController().signal;
const unit = parseUnit({ path: "a.slice:p:web", id: "web", rootless: false });
const layout = { v1: [], v2: { controllers: ["memory"], mountPoint: "/cg", own: "/" } };

/** systemd 252 of a user whose manager is in /user. */
function answer({ member, body }: DbusMessage) {
  if (member === "Get" && body[1] === "Version") return [reply("v", { signature: "s", value: "252" })];
  if (member === "Get") return [reply("v", { signature: "s", value: "/user" })];
  const isJob = member === "StartTransientUnit" || member === "StopUnit";
  return isJob ? [reply("o", job), removed(job, "done")] : [reply("")];
}

test("a scope is made around a process, below its slice", async () => {
  const calls: DbusMessage[] = [];
  await using fake = await openFakeBus((call) => {
    calls.push(call);
    return answer(call);
  });
  const resources = { memory: { limit: 5 }, cpu: { quota: 15_500 }, unified: { "memory.oom.group": "1" } };
  const wish = { unit, pid: 77, resources, annotations: { "org.systemd.property.SendSIGHUP": "true" } };
  const opened = await openUnitCgroup({ bus: fake.bus, layout, rootless: false }, wish, signal);
  assert.equal(opened.paths.v2?.directory, "/cg/a.slice/p-web.scope");
  assert.equal(opened.resources.cpu?.quota, 16_000);
  const [name, mode, properties] = calls.find(({ member }) => member === "StartTransientUnit")?.body ?? [];
  assert.deepEqual([name, mode], ["p-web.scope", "replace"]);
  const names = Array.isArray(properties) ? properties.map(([property]) => String(property)) : [];
  for (const wanted of [
    "Slice",
    "Delegate",
    "PIDs",
    "DevicePolicy",
    "MemoryMax",
    "SendSIGHUP",
    "IOAccounting",
  ])
    assert.ok(names.includes(wanted), wanted);
});

test("a user's scope is below the user's systemd, and has no device policy", async () => {
  await using fake = await openFakeBus(answer);
  const deps = { bus: fake.bus, layout, rootless: true };
  const opened = await openUnitCgroup(deps, { unit, pid: 77, resources: {} }, signal);
  assert.equal(opened.paths.v2?.directory, "/cg/user/a.slice/p-web.scope");
});

test("new limits reach systemd and the files", async () => {
  using tree = openRecordedTree(2);
  await using fake = await openFakeBus(answer);
  const deps = { bus: fake.bus, layout, rootless: false };
  await updateUnitCgroup(deps, { unit, paths: tree.paths }, { cpu: { quota: 15_500 } }, signal);
  assert.deepEqual(fake.calls.slice(-1), ["SetUnitProperties"]);
  assert.equal(readFileSync(tree.pathOf("cpu.max"), "utf8"), "16000 100000");
});

test("closing stops the unit and forgets that it failed", async () => {
  await using fake = await openFakeBus(answer);
  await closeUnitCgroup({ bus: fake.bus }, { unit, paths: { v1: [] } }, signal);
  assert.deepEqual(fake.calls.slice(1), ["StopUnit", "ResetFailedUnit"]);
});
