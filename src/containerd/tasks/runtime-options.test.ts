import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsSchema } from "#proto/gen/runc-options_pb.ts";
import { packMessage } from "../protobuf.ts";
import { readRuntime } from "./runtime-options.ts";

const runc = "io.containerd.runc.v2";
const none = { typeUrl: "", value: new Uint8Array() };

test("the runtimes that clients ask for by default are libcontainer", () => {
  for (const name of ["", runc, "io.containerd.runc.v1"]) assert.deepEqual(readRuntime(name, none), {});
  const dockerd = packMessage(OptionsSchema, { binaryName: "runc", root: "/run/docker/runtime-runc" });
  assert.deepEqual(readRuntime(runc, dockerd), {});
});

test("another program, or driver, is the one that runs it", () => {
  const options = packMessage(OptionsSchema, { binaryName: "/usr/sbin/runc" });
  assert.deepEqual(readRuntime(runc, options), { runtime: "program:/usr/sbin/runc" });
  assert.deepEqual(readRuntime("io.gantry.lxc.v1", undefined), { runtime: "io.gantry.lxc.v1" });
});

test("options that would change what the container is are refused by name", () => {
  for (const [name, given] of [
    ["NoPivotRoot", { noPivotRoot: true }],
    ["SystemdCgroup", { systemdCgroup: true }],
    ["IoUid", { ioUid: 1000 }],
  ] as const)
    assert.throws(() => readRuntime(runc, packMessage(OptionsSchema, given)), {
      message: `runtime option ${name} is not supported by this version of Gantry`,
    });
});
