// What a process is given besides its user and its files, as the kernel shows it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Linux, Process, Resources } from "#spec/oci-runtime.ts";
import {
  attachedIo,
  type Container,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  type Outcome,
  outcomeOf,
  runScript,
  skip,
  startContainerMachine,
} from "./container-machine.ts";

const isAppArmorUsed = (): boolean =>
  existsSync("/sys/kernel/security/apparmor") &&
  readFileSync("/sys/module/apparmor/parameters/enabled", "utf8").startsWith("Y");
const never = new AbortController().signal;
let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const run = (script: string, process: Partial<Process>, linux: Partial<Linux> = {}): Promise<Outcome> =>
  runScript(machine, script, { process, linux });

/** Nice value, real-time priority and policy of a line of /proc/PID/stat. */
function scheduling(stat: string): readonly string[] {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [fields[16] ?? "", fields[37] ?? "", fields[38] ?? ""];
}

test("the scheduling policy and the nice value are set", { skip }, async () => {
  const batch = { policy: "SCHED_BATCH", nice: 5 } as const;
  assert.deepEqual(scheduling((await run("cat /proc/self/stat", { scheduler: batch })).stdout), [
    "5",
    "0",
    "3",
  ]);
  const idle = { policy: "SCHED_IDLE" } as const;
  assert.deepEqual(scheduling((await run("cat /proc/self/stat", { scheduler: idle })).stdout).at(2), "5");
});

/** Where processes of a cgroup share real time (RT_GROUP_SCHED), the cgroups above a container's must have some. */
function grantRealtime(): Resources {
  const cpu = machine.host.cgroups.v1.find(({ controllers }) => controllers.includes("cpu"));
  const file = join(cpu?.mountPoint ?? "", machine.cgroupParent, "cpu.rt_runtime_us");
  if (cpu === undefined || !existsSync(file)) return {};
  writeFileSync(file, "20000");
  return { cpu: { realtimeRuntime: 10_000 } };
}

/** On version 2, a kernel that shares real time out to cgroups gives it to the root alone. */
const noRealtime =
  skip || (!existsSync("/sys/fs/cgroup/cpu/tasks") && "cgroup version 2 may give no real time");

test("a real-time policy is set with its priority, and reset in what it forks if that is asked", {
  skip: noRealtime,
}, async () => {
  const scheduler = { policy: "SCHED_FIFO", priority: 7 } as const;
  const script = "cat /proc/$$/stat; cat /proc/self/stat; true";
  const resources = grantRealtime();
  const lines = async (process: Partial<Process>): Promise<readonly (readonly string[])[]> =>
    (await run(script, process, { resources })).stdout.trim().split("\n").map(scheduling);
  const fifo = ["0", "7", "1"];
  assert.deepEqual(await lines({ scheduler }), [fifo, fifo]);
  const reset = { ...scheduler, flags: ["SCHED_FLAG_RESET_ON_FORK"] } as const;
  assert.deepEqual(await lines({ scheduler: reset }), [fifo, ["0", "0", "0"]]);
});

test("deadlines are given to the kernel, which refuses impossible ones", { skip }, async () => {
  const deadline = {
    policy: "SCHED_DEADLINE",
    runtime: 1_000_000,
    deadline: 10_000_000,
    period: 10_000_000,
  } as const;
  const flags = ["SCHED_FLAG_RESET_ON_FORK"] as const;
  assert.deepEqual(
    scheduling((await run("cat /proc/$$/stat", { scheduler: { ...deadline, flags } })).stdout).at(2),
    "6",
  );
  await assert.rejects(
    run("true", { scheduler: { ...deadline, runtime: 20_000_000 } }),
    (error) => error instanceof PlanError && error.message === "process.scheduler: sched_setattr(2): EINVAL",
  );
});

for (const [scheduler, message] of [
  [{ policy: "SCHED_OTHER", nice: 20 }, /invalid scheduler.nice: 20 when scheduler.policy is SCHED_OTHER/],
  [{ policy: "SCHED_BATCH", priority: 1 }, /scheduler.priority can only be specified/],
  [{ policy: "SCHED_RR", runtime: 1 }, /scheduler runtime\/deadline\/period can only be specified/],
] as const)
  test(`${JSON.stringify(scheduler)} is refused`, { skip }, async () => {
    await assert.rejects(run("true", { scheduler }), message);
  });

test("the I/O priority is set", { skip }, async () => {
  const ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 } as const;
  assert.match((await run("busybox ionice -p $$", { ioPriority })).stdout, /best-effort: prio 6/);
  await assert.rejects(
    run("true", { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } }),
    /invalid ioPriority.Priority: 8/,
  );
});

test("the execution domain is set", { skip }, async () => {
  const { stdout } = await run("cat /proc/self/personality", {}, { personality: { domain: "LINUX32" } });
  assert.equal(stdout, "00000008\n");
});

test("a memory policy holds, or the kernel has none", { skip }, async () => {
  const policy = { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] } as const;
  const bound = run("cat /proc/self/numa_maps", {}, { memoryPolicy: policy });
  if (existsSync("/proc/self/numa_maps")) assert.match((await bound).stdout, / bind=static:0 /);
  else await assert.rejects(bound, /linux.memoryPolicy: set_mempolicy\(2\): ENOSYS/);
  await assert.rejects(
    run("true", {}, { memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } }),
    /MPOL_LOCAL takes neither nodes nor flags/,
  );
});

test("the score of the out-of-memory killer is set", { skip }, async () => {
  assert.equal((await run("cat /proc/self/oom_score_adj", { oomScoreAdj: 321 })).stdout, "321\n");
});

test("the NIS domain name is set", { skip }, async () => {
  const spec = {
    ...dockerSpec(machine.host, machine.makeRoot(), "cat /proc/sys/kernel/domainname"),
    domainname: "d.example",
  };
  await using container = await machine.create(spec);
  assert.equal((await outcomeOf(container.shim)).stdout, "d.example\n");
});

test("all five capability sets are as asked; those that are unknown are told and left out", {
  skip,
}, async () => {
  const both = ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"];
  const { stdout } = await run("grep Cap /proc/self/status", {
    user: { uid: 33, gid: 33 },
    capabilities: {
      bounding: [...both, "CAP_KILL", "CAP_OF_TOMORROW"],
      permitted: both,
      inheritable: both,
      ambient: ["CAP_NET_BIND_SERVICE"],
      effective: [],
    },
  });
  const bind = "0000000000000400";
  assert.deepEqual(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/:\s*/)),
    [
      ["CapInh", "0000000000000401"],
      ["CapPrm", bind],
      ["CapEff", bind],
      ["CapBnd", "0000000000000421"],
      ["CapAmb", bind],
    ],
  );
  assert.ok(machine.warnings.some((warning) => /left out: CAP_OF_TOMORROW$/.test(warning)));
});

test("a further process keeps the policies, and gets its processors", { skip }, async () => {
  const choices = {
    process: { scheduler: { policy: "SCHED_BATCH", nice: 3 } },
    linux: { personality: { domain: "LINUX32" } },
  } as const;
  await using container = await machine.create(
    dockerSpec(machine.host, machine.makeRoot(), "sleep 1000", choices),
  );
  await container.shim.start(never);
  const process = {
    ...defaultProcess("cat /proc/self/stat /proc/self/personality; grep Cpus_allowed_list /proc/self/status"),
    execCPUAffinity: { initial: "0", final: "0" },
  };
  await container.shim.exec("more", process, attachedIo(false), never);
  const { stdout, stderr } = await outcomeOf(container.shim, "more");
  const [stat = "", ...rest] = stdout.trim().split("\n");
  assert.deepEqual(scheduling(stat), ["3", "0", "3"], stderr);
  assert.deepEqual(rest, ["00000008", "Cpus_allowed_list:\t0"]);
  await assert.rejects(
    container.shim.exec("bad", { ...process, execCPUAffinity: { final: "3-1" } }, attachedIo(false), never),
    /process.execCPUAffinity.final: "3-1" is not a range/,
  );
  await assert.rejects(
    container.shim.exec("none", { ...process, execCPUAffinity: { final: "8000" } }, attachedIo(false), never),
    (error) =>
      error instanceof PlanError &&
      error.message === "process.execCPUAffinity.final: sched_setaffinity(2): EINVAL",
  );
});

for (const [name, process, enabled] of [
  ["AppArmor", { apparmorProfile: "gantry-none-such" }, () => machine.host.securityModules?.has("apparmor")],
  ["SELinux", { selinuxLabel: "a:b:c" }, () => machine.host.securityModules?.has("selinux")],
] as const)
  test(`a label of ${name} is given to the kernel, or refused where it has none`, { skip }, async () => {
    await assert.rejects(
      run("true", process),
      enabled() === true
        ? (error) => error instanceof PlanError && error.call === "write"
        : /is disabled or not supported/,
    );
  });

const parser = "/usr/sbin/apparmor_parser";
const noAppArmor = skip || ((!existsSync(parser) || !isAppArmorUsed()) && "no AppArmor in this kernel");

/** A profile in the kernel until its scope ends. */
function loadProfile(name: string): Disposable {
  const text = `profile ${name} flags=(attach_disconnected) {
    file, capability, network, signal, ptrace, mount, umount, pivot_root,
    deny /tmp/forbidden w,
  }`;
  execFileSync(parser, ["-Kr"], { input: text });
  return { [Symbol.dispose]: () => void execFileSync(parser, ["-R"], { input: text }) };
}

test("an AppArmor profile confines the program, its startContainer hooks and further processes", {
  skip: noAppArmor,
}, async () => {
  using _profile = loadProfile("gantry-test");
  const apparmorProfile = "gantry-test";
  const startContainer = [{ path: "/bin/sh", args: ["sh", "-c", "cat /proc/self/attr/current > /tmp/hook"] }];
  const create = (script: string): Promise<Container> =>
    machine.create({
      ...dockerSpec(machine.host, machine.makeRoot(), script, { process: { apparmorProfile } }),
      hooks: { startContainer },
    });
  await using container = await create(
    "cat /tmp/hook /proc/self/attr/current; (echo x > /tmp/forbidden) 2>&1; echo x > /tmp/allowed; ls /tmp",
  );
  const { stdout } = await outcomeOf(container.shim);
  assert.match(
    stdout,
    /^gantry-test \(enforce\)\ngantry-test \(enforce\)\nsh: .*Permission denied\nallowed\nhook\n$/,
  );
  await using other = await create("sleep 1000");
  await other.shim.start(never);
  const process = { ...defaultProcess("cat /proc/self/attr/current"), apparmorProfile };
  await other.shim.exec("more", process, attachedIo(false), never);
  assert.equal((await outcomeOf(other.shim, "more")).stdout, "gantry-test (enforce)\n");
});

test("the machine's own attributes are as they were", { skip }, () => {
  assert.equal(scheduling(readFileSync("/proc/self/stat", "utf8")).at(2), "0");
});
