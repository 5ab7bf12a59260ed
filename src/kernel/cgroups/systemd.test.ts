import assert from "node:assert/strict";
import { test } from "node:test";
import type { UnitProperty } from "../systemd/units.ts";
import { annotatedProperties } from "./systemd-annotations.ts";
import { deviceProperties, resourceProperties } from "./systemd-properties.ts";
import { roundQuota } from "./systemd-property.ts";
import { expandSlice, parseUnit, unitPaths } from "./systemd-unit.ts";

const shown = (properties: readonly UnitProperty[]) =>
  properties.map(({ name, value }) => `${name} ${value.signature} ${text(value.value)}`);
const text = (value: unknown): string =>
  value instanceof Uint8Array || Array.isArray(value) ? JSON.stringify([...value]) : String(value);

const infinity = "18446744073709551615";
const present = { cgroupVersion: 2, systemdVersion: 252 } as const;
const old = { ...present, systemdVersion: 200 };

test("cgroupsPath names slice, prefix and container", () => {
  const unit = (path: string, rootless = false) => parseUnit({ path, id: "web", rootless });
  assert.deepEqual(unit("a-b.slice:docker:1234"), {
    name: "docker-1234.scope",
    slice: "a-b.slice",
    description: "libcontainer container 1234",
  });
  assert.deepEqual([unit("").name, unit("").slice], ["runc-web.scope", "system.slice"]);
  assert.deepEqual([unit(":p:n", true).name, unit(":p:n", true).slice], ["p-n.scope", "user.slice"]);
  assert.equal(unit("a.slice:p:own.slice").name, "own.slice");
  assert.throws(() => unit("/docker/x"), {
    message:
      'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/docker/x" instead',
  });
});

test("a slice is inside those that its name begins with", () => {
  assert.equal(expandSlice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  assert.equal(expandSlice("-.slice"), "/");
  for (const wrong of ["a", ".slice", "a--b.slice", "-a.slice", "a/b.slice"])
    assert.throws(() => expandSlice(wrong), { message: `invalid slice name: ${wrong}` });
});

test("the cgroup of a user's unit is below that of the user's systemd", () => {
  const layout = { v1: [], v2: { controllers: ["pids"], mountPoint: "/cg", own: "/me" } };
  const unit = parseUnit({ path: "", id: "x", rootless: true });
  assert.equal(
    unitPaths(layout, unit, "/user.slice/user@7.service").v2?.directory,
    "/cg/user.slice/user@7.service/user.slice/runc-x.scope",
  );
  assert.throws(() => unitPaths(layout, { ...unit, name: "../x.scope" }, ""), /invalid unit name/);
});

test("limits of version 2", () => {
  const resources = {
    memory: { limit: 100, swap: 300, reservation: 50 },
    cpu: { shares: 1024, quota: 20_000, period: 50_000, cpus: "0,9-10", mems: "0" },
    pids: { limit: -1 },
    unified: { "memory.high": "max", "memory.oom.group": "1", "hugetlb.2MB.max": "5" },
  };
  assert.deepEqual(shown(resourceProperties(resources, present)), [
    "MemoryMax t 100",
    "MemoryLow t 50",
    "MemorySwapMax t 200",
    "CPUWeight t 100",
    "CPUQuotaPeriodUSec t 50000",
    "CPUQuotaPerSecUSec t 400000",
    `TasksMax t ${infinity}`,
    "AllowedCPUs ay [1,6]",
    "AllowedMemoryNodes ay [1]",
    `MemoryHigh t ${infinity}`,
  ]);
  assert.deepEqual(shown(resourceProperties({ cpu: resources.cpu }, old)), [
    "CPUWeight t 100",
    "CPUQuotaPerSecUSec t 400000",
  ]);
});

test("limits of version 1", () => {
  const resources = { memory: { limit: -1 }, cpu: { shares: 512 }, blockIO: { weight: 300 } };
  assert.deepEqual(shown(resourceProperties(resources, { cgroupVersion: 1, systemdVersion: 252 })), [
    `MemoryLimit t ${infinity}`,
    "CPUShares t 512",
    "BlockIOWeight t 300",
  ]);
});

test("idle is a weight of 0", () => {
  assert.deepEqual(shown(resourceProperties({ cpu: { idle: 1, shares: 512 } }, present)), ["CPUWeight t 0"]);
  const unified = { "cpu.idle": "1", "cpu.weight": "7" };
  assert.deepEqual(shown(resourceProperties({ unified }, present)), ["CPUWeight t 0"]);
  assert.deepEqual(shown(resourceProperties({ unified }, old)), ["CPUWeight t 7"]);
});

test("systemd counts the processor in whole per cents", () => {
  assert.deepEqual(shown(resourceProperties({ cpu: { quota: 15_500 } }, present)), [
    "CPUQuotaPerSecUSec t 160000",
  ]);
  assert.equal(roundQuota(15_500, 0), 16_000);
  assert.equal(roundQuota(-1, 50_000), -1);
});

test("files of version 2 that are no numbers are refused", () => {
  for (const unified of [
    { "cpu.max": "1 2 3" },
    { "pids.max": "many" },
    { "cpuset.cpus": "0-99999999" },
  ] as const)
    assert.throws(() => resourceProperties({ unified: { ...unified } }, present), /invalid|conversion error/);
});

test("devices are told as far as systemd can say them", () => {
  const rules = [
    { allow: true, type: "b", major: 8, minor: 1, access: "r" },
    { allow: true, type: "c", minor: 7, access: "rw" },
  ];
  const properties = shown(deviceProperties(rules));
  assert.deepEqual(properties.slice(0, 2), ["DeviceAllow a(ss) []", "DevicePolicy s strict"]);
  assert.match(properties[2] ?? "", /"\/dev\/block\/8:1","r"\],\["char-\*","m"/);
  assert.match(properties[2] ?? "", /"char-136","rwm"/);
  assert.deepEqual(shown(deviceProperties([{ allow: true, access: "rwm" }])), [
    "DeviceAllow a(ss) []",
    "DevicePolicy s auto",
  ]);
});

test("annotations become properties", () => {
  const properties = annotatedProperties({
    "org.systemd.property.CollectMode": "'inactive-or-failed'",
    "org.systemd.property.TimeoutStopSec": "uint64 5",
    "org.systemd.property.SendSIGHUP": "true",
    "org.systemd.property.After": "['a.service', 'b.service']",
    "org.example.other": "x",
  });
  assert.deepEqual(shown(properties), [
    "CollectMode s inactive-or-failed",
    "TimeoutStopUSec t 5000000",
    "SendSIGHUP b true",
    'After as ["a.service","b.service"]',
  ]);
  assert.throws(() => annotatedProperties({ "org.systemd.property.X": "1" }), /name incorrect/);
  assert.throws(() => annotatedProperties({ "org.systemd.property.Name": "@as []" }), /value parse error/);
});
