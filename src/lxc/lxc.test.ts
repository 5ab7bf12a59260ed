import assert from "node:assert/strict";
import { test } from "node:test";
import { detectCgroups } from "#kernel/cgroups/layout.ts";
import { parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Linux, Process, Spec } from "#spec/oci-runtime.ts";
import { compileLxc } from "./compile-lxc.ts";
import { seccompPolicy } from "./seccomp-policy.ts";

const process: Process = {
  cwd: "/srv",
  args: ["echo", "a b"],
  env: ["PATH=/bin", 'QUOTED="x"'],
  user: { uid: 7, gid: 8, additionalGids: [9, 10] },
  capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
  rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: -1 }],
  noNewPrivileges: true,
};

const spec = (linux: Linux = {}, given: Partial<Process> = {}): Spec => ({
  ociVersion: "1.2.0",
  root: { path: "rootfs" },
  hostname: "box",
  process: { ...process, ...given },
  linux: { namespaces: [{ type: "mount" }, { type: "pid" }], cgroupsPath: "/docker/c1", ...linux },
});

const cgroups = detectCgroups({
  mounts: parseMountInfo(
    "30 20 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n31 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
  ),
  own: "1:pids:/\n0::/\n",
  v2Controllers: () => "",
});

const machine = {
  findKind: (path: string) => (path.startsWith("/proc/k") ? "file" : "dir") as "file" | "dir",
  hasMountsBelow: (path: string) => path === "/mounted",
};

const compile = (given: Spec) =>
  compileLxc({ id: "c1", stateDir: "/run/c1", spec: given, rootfs: [] }, { cgroups, machine });

function fileOf(plan: readonly Op[], path: string): readonly string[] {
  const found = plan.find((op) => op.op === "write" && op.path === path);
  return found?.op === "write" ? new TextDecoder().decode(found.data).trimEnd().split("\n") : [];
}

const configuration = (given: Spec): readonly string[] => fileOf(compile(given).plan, "/run/c1/lxc.conf");

test("a process is told in LXC's words", () => {
  const lines = configuration(spec());
  for (const line of [
    "lxc.rootfs.path = dir:/run/c1/rootfs",
    "lxc.uts.name = box",
    "lxc.namespace.clone = mnt pid",
    "lxc.net.0.type = none",
    "lxc.cgroup.dir.container = docker/c1",
    "lxc.cgroup.dir.monitor = docker/c1.lxc/monitor",
    "lxc.init.uid = 7",
    "lxc.init.groups = 9,10",
    "lxc.init.cwd = /srv",
    "lxc.no_new_privs = 1",
    "lxc.prlimit.nofile = 10:unlimited",
    "lxc.cap.keep = kill",
    'lxc.environment = QUOTED="x"',
  ])
    assert.ok(lines.includes(line), line);
});

test("the program and its arguments follow the configuration, as they are", () => {
  const last = compile(spec()).plan.at(-1);
  assert.ok(last?.op === "exec");
  assert.deepEqual(last.argv.slice(-4), ["ERROR", "--", "echo", "a b"]);
});

test("mounts are lines of fstab; what is hidden is covered by its kind", () => {
  const lines = configuration({
    ...spec({ maskedPaths: ["/proc/kcore", "/proc/acpi"], readonlyPaths: ["/proc/sys"] }),
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] },
      { destination: "/my data", type: "bind", source: "/vol/a b", options: ["rbind", "rro"] },
    ],
  });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("lxc.mount.entry")).map((line) => line.slice(18)),
    [
      "proc proc proc nosuid,create=dir 0 0",
      "/vol/a\\040b my\\040data none rbind,ro,create=dir 0 0",
      "proc/sys proc/sys none bind,relative,ro,optional 0 0",
      "/dev/null proc/kcore none bind,optional 0 0",
      "tmpfs proc/acpi tmpfs ro,size=0,optional 0 0",
    ],
  );
});

const refusals: readonly (readonly [string, Spec, RegExp])[] = [
  ["a line break in the environment", spec({}, { env: ["A=b\nlxc.cap.keep = sys_admin"] }), /cannot hold/],
  ["a mask of modes", spec({}, { user: { uid: 0, gid: 0, umask: 2 } }), /process.user.umask/],
  ["ambient capabilities", spec({}, { capabilities: { ambient: ["CAP_KILL"] } }), /capabilities/],
  [
    "a pid namespace by path",
    spec({ namespaces: [{ type: "mount" }, { type: "pid", path: "/x" }] }),
    /joining the pid namespace/,
  ],
  [
    "a read-only tree with mounts in it",
    {
      ...spec(),
      mounts: [{ destination: "/m", type: "bind", source: "/mounted", options: ["rbind", "rro"] }],
    },
    /mount option "rro"/,
  ],
  [
    "a sysctl below a read-only /proc/sys",
    spec({ sysctl: { "kernel.shmmax": "1" }, readonlyPaths: ["/proc/sys"] }),
    /sysctl kernel.shmmax/,
  ],
  ["a seccomp action for a tracer", spec({ seccomp: { defaultAction: "SCMP_ACT_TRACE" } }), /SCMP_ACT_TRACE/],
];
for (const [what, given, message] of refusals)
  test(`refused by name: ${what}`, () => {
    assert.throws(() => compile(given), message);
  });

test("a profile that allows by name, with conditions", () => {
  const policy = seccompPolicy({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    syscalls: [
      { names: ["read", "write"], action: "SCMP_ACT_ALLOW" },
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ],
  });
  const rules = "read allow\nwrite allow\nclone allow [0,0,SCMP_CMP_MASKED_EQ,2114060288]\n";
  assert.equal(policy, `2\nallowlist errno 38\n[all]\n${rules}`);
});
