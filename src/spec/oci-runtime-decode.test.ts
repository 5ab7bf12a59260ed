import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "#base/decode.ts";
import { parseExactJson } from "#formats/exact-json.ts";
import { decodeProcess, decodeResources, decodeSpec } from "./oci-runtime-decode.ts";

const minimal = { ociVersion: "1.2.0", process: { cwd: "/", args: ["sh"] }, root: { path: "rootfs" } };

test("a document as runc writes it is read, unknown and foreign properties are left out", () => {
  const document = {
    ...minimal,
    windows: { layerFolders: [] },
    process: { ...minimal.process, user: { uid: 5, username: "x" }, env: null, selinuxLabel: "" },
    linux: { namespaces: [{ type: "pid" }, { type: "network", path: "/x" }], x: {}, resources: {} },
    hooks: { prestart: null },
  };
  assert.deepEqual(decodeSpec(document), {
    ...minimal,
    process: { ...minimal.process, user: { uid: 5, gid: 0 }, selinuxLabel: "" },
    linux: { namespaces: [{ type: "pid" }, { type: "network", path: "/x" }], resources: {} },
    hooks: {},
  });
});

test("kernel memory, which no kernel limits any more, is refused by name", () => {
  assert.throws(
    () => decodeSpec({ ...minimal, linux: { resources: { memory: { kernel: 5 } } } }),
    (error) =>
      error instanceof Error && error.message.startsWith("linux.resources.memory.kernel is not supported"),
  );
});

test("what a process and its hooks may have is read", () => {
  const process = {
    ...minimal.process,
    user: { uid: 1, gid: 2, umask: 0o77, additionalGids: [3] },
    apparmorProfile: "p",
    selinuxLabel: "l",
    scheduler: { policy: "SCHED_FIFO", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 3 },
    execCPUAffinity: { initial: "0-3,7", final: "" },
  };
  const hooks = { poststop: [{ path: "/bin/x", args: ["x"], env: ["A=1"], timeout: 3 }] };
  assert.deepEqual(decodeSpec({ ...minimal, process, hooks }), { ...minimal, process, hooks });
});

for (const [path, change] of [
  ["process.cwd", { process: {} }],
  ["process.args[1]", { process: { cwd: "/", args: ["a", 5] } }],
  ["process.user.uid", { process: { cwd: "/", user: { uid: 0.5 } } }],
  ["linux.namespaces[0].type", { linux: { namespaces: [{ type: "x" }] } }],
  ["linux.devices[0].type", { linux: { devices: [{ path: "/dev/x", type: "z" }] } }],
  ["mounts", { mounts: {} }],
  ["root", { root: "rootfs" }],
  ["process.user.uid", { process: { cwd: "/", user: { uid: 2 ** 32 } } }],
  ["process.user.additionalGids[0]", { process: { cwd: "/", user: { additionalGids: [-1] } } }],
  ["process.oomScoreAdj", { process: { cwd: "/", oomScoreAdj: 1001 } }],
  ["process.scheduler.policy", { process: { cwd: "/", scheduler: { policy: "SCHED_X" } } }],
  ["process.scheduler.flags[0]", { process: { cwd: "/", scheduler: { policy: "SCHED_RR", flags: ["x"] } } }],
  ["process.ioPriority.class", { process: { cwd: "/", ioPriority: { class: "BE" } } }],
  ["process.execCPUAffinity.final", { process: { cwd: "/", execCPUAffinity: { final: "all" } } }],
  ["process.rlimits[0].type", { process: { cwd: "/", rlimits: [{ type: "NOFILE", soft: 1, hard: 1 }] } }],
  ["process.consoleSize.width", { process: { cwd: "/", consoleSize: { height: 1, width: 65_536 } } }],
  ["process.args[0]", { process: { cwd: "/", args: ["a\0b"] } }],
  ["hooks.poststart[0].path", { hooks: { poststart: [{}] } }],
  ["hooks.poststart[0].timeout", { hooks: { poststart: [{ path: "/x", timeout: 0 }] } }],
  ["annotations.a", { annotations: { a: 1 } }],
  ["linux.personality.domain", { linux: { personality: { domain: "BSD" } } }],
  ["linux.intelRdt.memBwSchema", { linux: { intelRdt: { memBwSchema: "L3:1" } } }],
  ["linux.memoryPolicy.mode", { linux: { memoryPolicy: { mode: "bind" } } }],
  ["linux.uidMappings[0].size", { linux: { uidMappings: [{ containerID: 0, hostID: 0, size: -1 }] } }],
  ["linux.timeOffsets.boottime.nanosecs", { linux: { timeOffsets: { boottime: { nanosecs: -1 } } } }],
  ["linux.netDevices.eth0.name", { linux: { netDevices: { eth0: { name: 5 } } } }],
] as const)
  test(`a wrong value is named: ${path}`, () => {
    assert.throws(
      () => decodeSpec({ ...minimal, ...change }),
      (error) => error instanceof DecodeError && error.path === path,
    );
  });

test("numbers of 64 bits are read", () => {
  const text = '{"cwd":"/","rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615}]}';
  assert.equal(decodeProcess(parseExactJson(text)).rlimits?.[0]?.hard, 2 ** 64);
  assert.equal(
    decodeProcess(JSON.parse(text)).rlimits?.[0]?.hard,
    2 ** 64,
    "as a reader gives it that is not exact",
  );
  assert.deepEqual(decodeResources({ memory: { limit: -1 } }), { memory: { limit: -1 } });
});
