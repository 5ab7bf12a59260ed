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
    linux: { namespaces: [{ type: "pid" }, { type: "network", path: "/x" }], intelRdt: {}, resources: {} },
    hooks: { prestart: null },
  };
  assert.deepEqual(decodeSpec(document), {
    ...minimal,
    process: { ...minimal.process, user: { uid: 5, gid: 0 } },
    linux: { namespaces: [{ type: "pid" }, { type: "network", path: "/x" }], resources: {} },
    hooks: {},
  });
});

for (const [name, change] of [
  ["hooks.prestart", { hooks: { prestart: [{ path: "/bin/true" }] } }],
  ["hooks.poststop", { hooks: { poststop: [{ path: "/bin/true" }] } }],
  ["process.selinuxLabel", { process: { cwd: "/", selinuxLabel: "x" } }],
  ["process.apparmorProfile", { process: { cwd: "/", apparmorProfile: "docker-default" } }],
  ["process.scheduler", { process: { cwd: "/", scheduler: { policy: "SCHED_FIFO" } } }],
  ["mounts[0].uidMappings", { mounts: [{ destination: "/x", uidMappings: [{}] }] }],
  ["linux.personality", { linux: { personality: { domain: "LINUX32" } } }],
  ["linux.seccomp.listenerPath", { linux: { seccomp: { defaultAction: "x", listenerPath: "/s" } } }],
  ["linux.resources.memory.kernel", { linux: { resources: { memory: { kernel: 5 } } } }],
] as const)
  test(`${name} is refused by name`, () => {
    assert.throws(
      () => decodeSpec({ ...minimal, ...change }),
      (error) => error instanceof Error && error.message.startsWith(`${name} is not supported`),
    );
  });

for (const [path, change] of [
  ["process.cwd", { process: {} }],
  ["process.args[1]", { process: { cwd: "/", args: ["a", 5] } }],
  ["process.user.uid", { process: { cwd: "/", user: { uid: 0.5 } } }],
  ["linux.namespaces[0].type", { linux: { namespaces: [{ type: "x" }] } }],
  ["linux.devices[0].type", { linux: { devices: [{ path: "/dev/x", type: "z" }] } }],
  ["mounts", { mounts: {} }],
  ["root", { root: "rootfs" }],
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
  assert.deepEqual(decodeResources({ memory: { limit: -1 } }), { memory: { limit: -1 } });
});
