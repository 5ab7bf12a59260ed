import assert from "node:assert/strict";
import { test } from "node:test";
import { planSysctls } from "./sysctl.ts";

const plan = (name: string, namespaces: readonly string[] = ["network", "ipc", "uts"]) =>
  planSysctls({ [name]: "1" }, { isPrivate: (type) => namespaces.includes(type), hostname: "box" });
const pathOf = (name: string) => plan(name).map((op) => (op.op === "write" ? op.path : op.op))[0];

test("dots and slashes name the same file, whichever comes first is the separator", () => {
  assert.equal(pathOf("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
  assert.equal(pathOf("net/ipv4/conf/eth0.1/forwarding"), "/proc/sys/net/ipv4/conf/eth0.1/forwarding");
  assert.equal(pathOf("net.ipv4.conf.eth0/1.forwarding"), "/proc/sys/net/ipv4/conf/eth0.1/forwarding");
  assert.equal(pathOf("kernel.shmmax"), "/proc/sys/kernel/shmmax");
  assert.equal(pathOf("kernel.domainname"), "/proc/sys/kernel/domainname");
});

test("a parameter needs its namespace", () => {
  assert.throws(() => plan("net.ipv4.ip_forward", ["ipc"]), /not allowed in host network namespace/);
  assert.throws(() => plan("fs.mqueue.msg_max", ["network"]), /not allowed in the hosts ipc namespace/);
  assert.throws(
    () => plan("user.max_user_namespaces"),
    /setting ucounts without a user namespace not allowed/,
  );
  assert.equal(plan("user.max_user_namespaces", ["user"]).length, 1);
  assert.throws(() => plan("kernel.hostname"), /conflicts with OCI setting of hostname/);
});

for (const name of ["kernel.core_pattern", "vm.swappiness", "kernel", "fs.file-max"])
  test(`${name} belongs to the machine`, () => {
    assert.throws(() => plan(name), /is not in a separate kernel namespace/);
  });

for (const name of ["net/../kernel/core_pattern", "net./../kernel", "net.", "net//x"])
  test(`"${name}" cannot lead elsewhere`, () => {
    assert.throws(() => plan(name), /not a valid name|not in a separate/);
  });
