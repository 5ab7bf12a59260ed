import assert from "node:assert/strict";
import { test } from "node:test";
import type { Process } from "#spec/oci-runtime.ts";
import type { ShimControl } from "./control.ts";
import { NativeShim } from "./native-shim.ts";

const { signal } = new AbortController();

/** What is missing in a fake is not called by the test. */
function fake<T>(parts: unknown): T;
function fake(parts: unknown): unknown {
  return parts;
}

test("the plan of a process that is executed again and again is compiled once, that of another one by itself", async () => {
  const compiled: unknown[] = [];
  const sent: Uint8Array[] = [];
  const control = fake<ShimControl>({
    closed: new Promise(() => undefined),
    request: async (_name: unknown, { plan }: { plan: Uint8Array }) => {
      sent.push(plan);
      return { u32: () => 7 };
    },
  });
  const container = {
    planExec: (process: Process) => {
      compiled.push(process);
      return [{ op: "chdir", why: "cwd", path: process.cwd } as const];
    },
    pids: async () => [],
    freeze: async () => {},
    update: async () => {},
  };
  const identity = { stateDir: "/nowhere", pid: 1, initPid: 2 };
  const shim = new NativeShim(identity, control, container, () => "");
  const check: Process = { cwd: "/", args: ["true"], user: { uid: 0, gid: 0 } };
  const other: Process = { ...check, cwd: "/tmp" };
  const again: Process = { ...check, user: { uid: 0, gid: 0 } };
  for (const [index, process] of [check, again, other, check].entries())
    assert.equal(await shim.exec(`e${index}`, process, { kind: "null" }, signal), 7);
  assert.deepEqual(compiled, [check, other]);
  assert.deepEqual(sent[1], sent[0]);
  assert.notDeepEqual(sent[2], sent[0]);
  assert.deepEqual(sent[3], sent[0]);
});
