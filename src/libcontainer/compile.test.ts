import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeOp } from "#kernel/plan/describe-op.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { compileContainer } from "./compile.ts";
import { compileExec } from "./compile-exec.ts";
import type { HostFacts } from "./host-facts.ts";

const testdata = join(import.meta.dirname, "testdata");
const dockerSpec: Spec = JSON.parse(readFileSync(join(testdata, "docker-default.json"), "utf8"));

const hierarchy = (name: string, controllers = [name]) => ({
  controllers,
  mountPoint: `/sys/fs/cgroup/${name}`,
  own: "/",
});
const host: HostFacts = {
  arch: "x64",
  kernel: { major: 6, minor: 18 },
  grantable: 0x1fffeffffffn, // CAP_SYS_RESOURCE is missing
  limits: new Map([["RLIMIT_NOFILE", { soft: 1024n, hard: 20_000n }]]),
  oomScoreAdj: 0,
  cgroups: {
    v1: [
      hierarchy("cpu,cpuacct", ["cpu", "cpuacct"]),
      ...["cpuset", "memory", "devices", "freezer", "pids"].map((name) => hierarchy(name)),
      hierarchy("systemd", ["name=systemd"]),
    ],
  },
  hasKeyrings: true,
  hasKcore: true,
};
const unified: HostFacts = {
  ...host,
  cgroups: {
    v1: [],
    v2: { controllers: ["cpuset", "cpu", "io", "memory", "pids"], mountPoint: "/sys/fs/cgroup", own: "/" },
  },
};
const overlay = {
  destination: "",
  type: "overlay",
  source: "overlay",
  options: ["index=off", "workdir=/snap/2/work", "upperdir=/snap/2/fs", "lowerdir=/snap/1/fs"],
};

const compile = (changes: Partial<Spec> = {}, facts = host) =>
  compileContainer(
    { ...dockerSpec, ...changes },
    { id: "box", rootfs: [overlay], bundle: "/bundle", host: facts },
  );

const describe = (plan: Plan): string =>
  plan
    .map(
      (op) =>
        `${op.host === true ? "shim " : ""}${describeOp(op)}${op.mayFail === true ? " or not" : ""}    # ${op.why}\n`,
    )
    .join("");

function assertGolden(name: string, plan: Plan): void {
  const path = join(testdata, name);
  const text = describe(plan);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
}

const indexOf = (plan: Plan, matches: (op: Op) => boolean): number => plan.findIndex(matches);

test("Docker's default container is this plan", () => {
  assertGolden("docker-default.plan", compile().plan);
});

test("on cgroup version 2 the child is cloned into its cgroup", () => {
  assertGolden("docker-default-v2.plan", compile({}, unified).plan);
});

test("a container of a user namespace mounts its root before it gives up the machine's root", () => {
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const { linux } = dockerSpec;
  const namespaces = [...(linux?.namespaces ?? []), { type: "user" as const }];
  const { plan } = compile({ linux: { ...linux, namespaces, uidMappings: map, gidMappings: map } });
  assertGolden("user-namespace.plan", plan);
});

test("a further process is this plan", () => {
  const process = { cwd: "/tmp", args: ["sh"], env: ["PATH=/bin"], terminal: true, user: { uid: 1, gid: 1 } };
  const warn = (): void => {};
  assertGolden("exec.plan", compileExec(dockerSpec, process, { id: "box", initPid: 77, host, warn }));
});

test("what is left on the host is removed by the undo plan", () => {
  assert.deepEqual(
    compile().undo.map((op) => (op.op === "rmdir" ? op.path : op)),
    ["cpu,cpuacct", "cpuset", "memory", "devices", "freezer", "pids", "systemd"].map(
      (name) => `/sys/fs/cgroup/${name}/docker/box`,
    ),
  );
});

test("what this machine cannot grant is left out with a warning", () => {
  const process = {
    ...dockerSpec.process,
    cwd: "/",
    args: ["true"],
    capabilities: { bounding: ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_NEWER"] },
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 524_288 }],
    oomScoreAdj: -500,
  };
  const { plan, warnings } = compile({ process });
  assert.equal(warnings.length, 3);
  assert.match(warnings.join("\n"), /CAP_SYS_RESOURCE, CAP_NEWER/);
  assert.ok(plan.some((op) => op.op === "rlimit" && op.soft === 1024n && op.hard === 20_000n));
  assert.ok(!plan.some((op) => op.why === "process.oomScoreAdj"));
});

test("the filter comes last where no privilege is needed for it, and first where it is", () => {
  const seccomp = { defaultAction: "SCMP_ACT_ALLOW" };
  const order = (noNewPrivileges: boolean, uid: number): readonly string[] => {
    const process = { cwd: "/", args: ["true"], noNewPrivileges, user: { uid, gid: 0 } };
    const { plan } = compile({ process, linux: { ...dockerSpec.linux, seccomp } });
    return plan.slice(indexOf(plan, ({ op }) => op === "awaitStart") + 1).map(({ op }) => op);
  };
  assert.deepEqual(order(true, 1000), ["capset", "seccomp", "exec"]);
  assert.deepEqual(order(false, 0), ["seccomp", "capset", "exec"]);
  assert.deepEqual(order(false, 1000), ["capset", "seccomp", "capset", "exec"]);
});

test("a shared bind of a shared root is cloned before the mounts become slaves", () => {
  const mounts = [{ destination: "/data", type: "bind", source: "/srv", options: ["rbind", "rshared"] }];
  const { plan } = compile({ mounts, linux: { ...dockerSpec.linux, rootfsPropagation: "rshared" } });
  const cloned = indexOf(plan, (op) => op.op === "openTree" && op.source === "/srv");
  const attached = indexOf(plan, (op) => op.op === "attachTree" && op.target === "/data");
  const isolated = indexOf(plan, ({ why }) => why === "mounts of the container stay in it");
  assert.ok(cloned < isolated && isolated < attached);
});

test("clock offsets are written before the first process of the namespace", () => {
  const namespaces = [...(dockerSpec.linux?.namespaces ?? []), { type: "time" as const }];
  const { plan } = compile({
    linux: { ...dockerSpec.linux, namespaces, timeOffsets: { monotonic: { secs: 5, nanosecs: 6 } } },
  });
  const written = indexOf(plan, (op) => op.op === "write" && op.path === "/proc/self/timens_offsets");
  const cloned = indexOf(plan, ({ op }) => op === "clone");
  assert.ok(written > 0 && written < cloned);
});

for (const [what, changes, message] of [
  ["no process", { process: undefined }, /process property must not be empty/],
  ["no arguments", { process: { cwd: "/", args: [] } }, /args must not be empty/],
  ["no root", { root: undefined }, /root property must not be empty/],
  ["a relative working directory", { process: { cwd: "x", args: ["a"] } }, /absolute/],
  [
    "a user id that wraps",
    { process: { cwd: "/", args: ["a"], user: { uid: 2 ** 32, gid: 0 } } },
    /not valid/,
  ],
  ["no mount namespace", { linux: { namespaces: [{ type: "pid" }] } }, /without a mount namespace/],
  ["a namespace twice", { linux: { namespaces: [{ type: "mount" }, { type: "mount" }] } }, /duplicated ns/],
  [
    "a user namespace without maps",
    { linux: { namespaces: [{ type: "mount" }, { type: "uts" }, { type: "user" }] } },
    /uidMappings/,
  ],
  [
    "a host name without a namespace for it",
    { hostname: "box", linux: { namespaces: [{ type: "mount" }] } },
    /^EngineError: unable to set hostname without a private UTS namespace$/,
  ],
  [
    "a map without a user namespace",
    {
      hostname: "",
      linux: { namespaces: [{ type: "mount" }], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] },
    },
    /user namespace mappings specified, but user namespace isn't enabled/,
  ],
  [
    "clocks of a time namespace that is joined",
    {
      hostname: "",
      linux: {
        namespaces: [{ type: "mount" }, { type: "time", path: "/t" }],
        timeOffsets: { boottime: { secs: 1 } },
      },
    },
    /both namespace path and time offsets specified/,
  ],
  [
    "an AppArmor profile where the kernel has no AppArmor",
    { process: { cwd: "/", args: ["x"], apparmorProfile: "p" } },
    /apparmor is disabled or not supported/,
  ],
  [
    "an SELinux label where the kernel has no SELinux",
    { process: { cwd: "/", args: ["x"], selinuxLabel: "l" } },
    /selinux is disabled or not supported/,
  ],
  [
    "a share of the processors' caches",
    { linux: { namespaces: [{ type: "mount" }, { type: "uts" }], intelRdt: { closID: "x" } } },
    /linux.intelRdt is not supported/,
  ],
  [
    "a cache schema where nothing can be shared out",
    {
      linux: { namespaces: [{ type: "mount" }, { type: "uts" }], intelRdt: { l3CacheSchema: "L3:0=f" } },
    },
    /: intelRdt.l3CacheSchema is specified in config, but Intel RDT\/CAT is not enabled$/,
  ],
  [
    "a bandwidth schema where nothing can be shared out",
    {
      linux: { namespaces: [{ type: "mount" }, { type: "uts" }], intelRdt: { memBwSchema: "MB:0=20" } },
    },
    /: intelRdt.memBwSchema is specified in config, but Intel RDT\/MBA is not enabled$/,
  ],
  [
    "a mount label",
    { linux: { namespaces: [{ type: "mount" }, { type: "uts" }], mountLabel: "l" } },
    /linux.mountLabel is not supported/,
  ],
  [
    "a flag of the personality",
    {
      linux: {
        namespaces: [{ type: "mount" }, { type: "uts" }],
        personality: { domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"] },
      },
    },
    /linux.personality.flags ADDR_NO_RANDOMIZE is not supported/,
  ],
] as const)
  test(`${what} is refused`, () => {
    const spec: unknown = { ...dockerSpec, ...changes };
    // @ts-expect-error a document from outside may be anything
    assert.throws(() => compileContainer(spec, { id: "box", rootfs: [], bundle: "/b", host }), message);
  });
