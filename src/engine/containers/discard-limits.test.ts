import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHostConfig, type UpdateRequest } from "#spec/container-config.ts";
import { discardLimits } from "./discard-limits.ts";

test("version 2 has no swappiness and no switch for the OOM killer", () => {
  const asked = { ...decodeHostConfig({}, "HostConfig"), MemorySwappiness: 10, OomKillDisable: true };
  const { limits: hostConfig, warnings } = discardLimits(asked, { cgroupVersion: 2, hasCpuset: true }, 50);
  assert.deepEqual([hostConfig.MemorySwappiness, hostConfig.OomKillDisable], [null, null]);
  assert.deepEqual(
    warnings.map((text) => text.split(" ").slice(-2).join(" ")),
    ["swappiness discarded.", "OomKillDisable discarded."],
  );
});

test("without the cpuset controller a container runs on every processor", () => {
  const asked = { ...decodeHostConfig({}, "HostConfig"), CpusetCpus: "0" };
  const { limits: hostConfig, warnings } = discardLimits(asked, { cgroupVersion: 2, hasCpuset: false }, 50);
  assert.equal(hostConfig.CpusetCpus, "");
  assert.match(warnings.join(), /Cpuset discarded/);
});

test("what version 1 has is kept", () => {
  const asked = {
    ...decodeHostConfig({}, "HostConfig"),
    MemorySwappiness: 10,
    OomKillDisable: true,
    CpusetCpus: "0",
  };
  const { limits: hostConfig, warnings } = discardLimits(asked, { cgroupVersion: 1, hasCpuset: true }, 50);
  assert.deepEqual(hostConfig, asked);
  assert.deepEqual(warnings, []);
});

test("weights go where the kernel has none, limits of kernel memory everywhere", () => {
  const asked = { ...decodeHostConfig({}, "HostConfig"), BlkioWeight: 5, KernelMemory: 1 };
  const host = { cgroupVersion: 1, hasCpuset: true, lacking: new Set(["weight"] as const) } as const;
  const old = discardLimits(asked, host, 41);
  assert.deepEqual([old.limits.BlkioWeight, old.limits.KernelMemory], [0, 0]);
  assert.deepEqual(
    old.warnings.map((text) => text.split(" ").slice(-2).join(" ")),
    ["Limitation discarded.", "Weight discarded."],
  );
  assert.equal(discardLimits(asked, host, 42).warnings.length, 1);
});

test("of an update only what it changes is looked at", () => {
  const host = { cgroupVersion: 2, hasCpuset: false } as const;
  const asked: UpdateRequest = { Memory: 7, CpusetMems: "0" };
  const { limits, warnings } = discardLimits(asked, host, 50);
  assert.deepEqual(limits, { Memory: 7, CpusetCpus: "", CpusetMems: "" });
  assert.match(warnings.join(), /^Your kernel does not support cpuset .* Cpuset discarded\.$/);
  const plain: UpdateRequest = { Memory: 7 };
  assert.deepEqual(discardLimits(plain, host, 50), { limits: plain, warnings: [] });
});
