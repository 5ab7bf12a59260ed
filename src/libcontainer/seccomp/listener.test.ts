import assert from "node:assert/strict";
import { test } from "node:test";
import type { Spec } from "#spec/oci-runtime.ts";
import { compileContainer } from "../compile.ts";
import { readHostFacts } from "../host-facts.ts";
import { planListener } from "./listener.ts";

const spec = {
  ociVersion: "1.2.0",
  annotations: { price: "$PID" },
  linux: {
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath: "/run/agent.sock",
      listenerMetadata: 'a "word"',
    },
  },
};
const partsOf = (initPid?: number): readonly string[] => {
  const [op] = planListener({
    spec,
    id: "box",
    bundle: "/b",
    handover: "taken",
    ...(initPid !== undefined && { initPid }),
  });
  assert.ok(op?.op === "passFd" && op.host === true && op.path === "/run/agent.sock");
  return op.parts;
};

test("the agent is told of an init twice by pid: as the process and as the container's", () => {
  assert.deepEqual(JSON.parse(partsOf().join("42")), {
    ociVersion: "1.2.0",
    fds: ["seccompFd"],
    pid: 42,
    metadata: 'a "word"',
    state: {
      ociVersion: "1.2.0",
      id: "box",
      status: "creating",
      pid: 42,
      bundle: "/b",
      annotations: { price: "$PID" },
    },
  });
});

test("of a further process, beside the init that is known", () => {
  const told = JSON.parse(partsOf(7).join("42"));
  assert.deepEqual([told.pid, told.state.pid, told.state.status], [42, 7, "running"]);
});

const withRights = (
  grantable: bigint,
  types: readonly ("pid" | "mount")[],
  names: readonly string[] = ["mkdir"],
): readonly string[] => {
  const listened: Spec = {
    ...spec,
    root: { path: "/r" },
    process: { cwd: "/", args: ["true"] },
    linux: {
      seccomp: { ...spec.linux.seccomp, syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }] },
      namespaces: types.map((type) => ({ type })),
    },
  };
  const host = { ...readHostFacts(), arch: "x64", kernel: { major: 6, minor: 12 }, grantable };
  const { plan } = compileContainer(listened, { id: "box", rootfs: [], host });
  const from = plan.findIndex(({ why }) => why === "room for the listener");
  return plan.slice(from, from + 4).map(({ op }) => op);
};

test("only who has no other right to the listener is let look into a setup, and only where nobody else sees it", () => {
  assert.deepEqual(withRights(0n, ["pid", "mount"]), ["close", "prctl", "seccomp", "passFd"]);
  assert.deepEqual(withRights(0n, ["mount"]), ["close", "seccomp", "sendFd", "passFd"]);
  assert.deepEqual(withRights(2n ** 41n - 1n, ["pid", "mount"]), ["close", "seccomp", "passFd", "capset"]);
});

test("a listener that is sent cannot be sent by a call that it is to answer", () => {
  assert.throws(() => withRights(0n, ["mount"], ["sendmsg"]), /SCMP_ACT_NOTIFY of sendmsg .* not supported/);
  assert.ok(withRights(0n, ["pid", "mount"], ["sendmsg"]).includes("passFd"));
});
