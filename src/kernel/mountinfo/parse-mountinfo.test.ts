import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo } from "./parse-mountinfo.ts";

test("optional fields end at the dash and octal escapes are read", () => {
  const [mount] = parseMountInfo(
    "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:2 master:1 - ext3 /dev/root rw,errors=continue\n",
  );
  assert.deepEqual(mount, {
    id: 36,
    parentId: 35,
    device: "98:0",
    root: "/mnt1",
    mountPoint: "/mnt 2",
    options: ["rw", "noatime"],
    propagation: ["shared:2", "master:1"],
    fstype: "ext3",
    source: "/dev/root",
    superOptions: ["rw", "errors=continue"],
  });
});

test("a mount without optional fields is read", () => {
  const [mount] = parseMountInfo("23 27 0:22 / /sys rw,relatime - sysfs sysfs rw");
  assert.equal(mount?.fstype, "sysfs");
  assert.deepEqual(mount?.propagation, []);
});
