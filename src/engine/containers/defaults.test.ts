import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHostConfig } from "#spec/container-config.ts";
import { applyDefaults, type ContainerDefaults } from "./defaults.ts";

const defaults: ContainerDefaults = {
  cgroupParent: "/parent",
  cgroupnsMode: "private",
  ipcMode: "shareable",
  runtime: "lxc",
  noNewPrivileges: true,
  seccompProfile: "unconfined",
  shmSize: 4096,
  ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
};
const pick = (given: unknown) => {
  const { CgroupParent, CgroupnsMode, IpcMode, Runtime, ShmSize, Ulimits, SecurityOpt } = applyDefaults(
    decodeHostConfig(given, ""),
    defaults,
  );
  return { CgroupParent, CgroupnsMode, IpcMode, Runtime, ShmSize, Ulimits, SecurityOpt };
};

test("a container that says nothing gets the daemon's defaults", () => {
  assert.deepEqual(pick({}), {
    CgroupParent: "/parent",
    CgroupnsMode: "private",
    IpcMode: "shareable",
    Runtime: "lxc",
    ShmSize: 4096,
    Ulimits: defaults.ulimits,
    SecurityOpt: ["no-new-privileges", "seccomp=unconfined"],
  });
});

test("what a container says counts", () => {
  const own = {
    CgroupParent: "/own",
    CgroupnsMode: "host",
    IpcMode: "private",
    Runtime: "runc",
    ShmSize: 1,
    Ulimits: [{ Name: "nofile", Soft: 5, Hard: 6 }],
    SecurityOpt: ["no-new-privileges=false", "seccomp=builtin"],
  };
  assert.deepEqual(pick(own), own);
});

test("a privileged container gets no seccomp profile", () => {
  assert.deepEqual(pick({ Privileged: true }).SecurityOpt, ["no-new-privileges", "label=disable"]);
});

for (const mode of ["PidMode", "IpcMode"])
  test(`a container with the host's ${mode} bears no SELinux label, unless it says which`, () => {
    assert.deepEqual(pick({ [mode]: "host" }).SecurityOpt?.slice(2), ["label=disable"]);
    assert.deepEqual(pick({ [mode]: "host", SecurityOpt: ["label=type:x"] }).SecurityOpt?.slice(0, 1), [
      "label=type:x",
    ]);
    assert.equal(
      pick({ [mode]: "host", SecurityOpt: ["label=type:x"] }).SecurityOpt?.includes("label=disable"),
      false,
    );
  });
