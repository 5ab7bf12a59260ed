import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMountFailure, planDeviceMount } from "./device-mount.ts";

const lookUp = async (host: string): Promise<string> => {
  if (host === "nas") return "192.0.2.7";
  throw new Error(`no such host ${host}`);
};
const plan = (type: string, device: string, options: string) =>
  planDeviceMount({ name: "v", target: "/t" }, { type, device, options }, lookUp);
const mounts = async (type: string, device: string, options: string) =>
  (await plan(type, device, options)).map((op) =>
    op.op === "mount" ? [op.source, op.fstype, op.flags, op.data] : [op.op],
  );

test("words are flags of mount(2), the later of two wins, and the rest is the file system's", async () => {
  assert.deepEqual(await mounts("tmpfs", "t", "ro,rw,nosuid,noexec,size=1m,uid=7"), [
    ["t", "tmpfs", 2 | 8, "size=1m,uid=7"],
  ]);
  assert.deepEqual(await mounts("tmpfs", "t", ""), [["t", "tmpfs", 0, ""]]);
  assert.deepEqual(await mounts("odd", "t", "constructor,toString"), [
    ["t", "odd", 0, "constructor,toString"],
  ]);
});

test("a bind is read-only by a second call, and propagates by a third", async () => {
  const [bind, remount] = [4096, 32];
  assert.deepEqual(await mounts("none", "/d", "rbind,ro,rslave"), [
    ["/d", "none", bind | 16384 | 1, ""],
    ["/d", "none", bind | remount | 1, ""],
    ["mountAttr"],
  ]);
});

test("hosts of network file systems are looked up where the kernel does not", async () => {
  assert.deepEqual(await mounts("nfs", ":/x", "addr=nas,ro"), [[":/x", "nfs", 1, "addr=192.0.2.7"]]);
  assert.deepEqual(await mounts("nfs", ":/x", "clientaddr=nas,addr=nas"), [
    [":/x", "nfs", 0, "clientaddr=nas,addr=192.0.2.7"],
  ]);
  assert.deepEqual(await mounts("nfs", ":/x", "addr=10.0.0.1"), [[":/x", "nfs", 0, "addr=10.0.0.1"]]);
  assert.deepEqual(await mounts("cifs", "//nas/share", "username=u"), [
    ["//192.0.2.7/share", "cifs", 0, "username=u"],
  ]);
  assert.deepEqual(await mounts("nfs4", ":/x", "addr=nas"), [[":/x", "nfs4", 0, "addr=nas"]]);
  await assert.rejects(plan("nfs", ":/x", "addr=lost"), {
    message: "error resolving passed in network volume address: no such host lost",
  });
});

test("a failure is told as by dockerd, without the password", () => {
  const device = { type: "cifs", device: "//h/x", options: "ro,username=u,password=secret" };
  assert.equal(
    describeMountFailure(device, "/t", "permission denied"),
    "failed to mount local volume: mount //h/x:/t, flags: 0x1, data: username=u,password=********: permission denied",
  );
});
