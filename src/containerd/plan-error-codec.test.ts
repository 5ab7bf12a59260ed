import assert from "node:assert/strict";
import { test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import { planErrorCodec } from "./plan-error-codec.ts";
import { openProxiedContainerd } from "./testing/proxied-containerd.ts";
import { scope } from "./testing/test-containerd.ts";

const { signal } = new AbortController();
const failure = { index: 12, why: 'exec "/bin/ä"', call: "execve", code: "ENOENT" };

test("a failed operation keeps its parts", () => {
  const status = planErrorCodec.encode(new PlanError(failure));
  assert.ok(status !== undefined);
  const error = planErrorCodec.decode(status);
  assert.ok(error instanceof PlanError);
  assert.deepEqual([error.index, error.why, error.call, error.code], [12, failure.why, "execve", "ENOENT"]);
});

test("a start that fails in the plan fails so through gRPC", async () => {
  await using containerd = await openProxiedContainerd();
  const { tasks } = containerd.services;
  const io = { terminal: false, stdin: "", stdout: "", stderr: "" };
  await tasks.create(scope, { containerId: "web", rootfs: [], io, spec: { ociVersion: "1.2.0" } }, signal);
  containerd.shims.get("web").failStart = new PlanError(failure);
  await assert.rejects(tasks.start(scope, "web", "", signal), { name: "PlanError", code: "ENOENT" });
});
