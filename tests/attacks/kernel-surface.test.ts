// What of the kernel a container reaches by default: system calls, /proc, /sys, devices, cgroups.

import { defaultMaskedPaths, defaultReadonlyPaths } from "#engine/containers/oci-defaults.table.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { architectures, syscallNumbers } from "#libcontainer/seccomp/architectures.ts";
import { dockerSpec, outcomeOf, runScript, type SpecChoices } from "../libcontainer/container-machine.ts";
import { giveToRoot, maps, withUser } from "../libcontainer/user-mapped.ts";
import { testAttack } from "./attack.ts";
import { buildProbe, putProbe } from "./probe.ts";
import { type AttackedMachine, beforeCalls, both, instead, without } from "./weakened.ts";

const skip = process.arch !== "x64" && "the probe speaks x86";

function numberOf(name: string, arch = "SCMP_ARCH_X86_64"): number {
  const convention = architectures[arch];
  return convention === undefined ? 0 : (syscallNumbers(convention).get(name) ?? 0);
}

async function probed(machine: AttackedMachine, script: string, choices: SpecChoices = {}): Promise<string> {
  const root = machine.makeRoot(putProbe(buildProbe(machine.folder)));
  const { stdout, stderr } = await runScript(machine, script, { ...choices, root });
  if (stdout === "") throw new Error(`the script says nothing: ${stderr}`);
  return stdout;
}

/** Calls that Docker's profile blocks without capabilities (it lets ptrace, process_vm_readv, clock_adjtime and name_to_handle_at through by now). */
const blocked =
  "acct add_key bpf clock_settime create_module delete_module finit_module get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount move_pages nfsservctl open_by_handle_at perf_event_open pivot_root query_module quotactl reboot request_key set_mempolicy setns settimeofday swapon swapoff sysfs _sysctl umount2 unshare uselib userfaultfd ustat io_uring_setup io_uring_enter io_uring_register fsopen fsmount fsconfig fspick move_mount open_tree mount_setattr syslog vhangup fanotify_init";

async function unblocked(machine: AttackedMachine, names: readonly string[]): Promise<string> {
  const script = names.map((name) => `probe call ${numberOf(name)} 0 0 0 0 0`).join("; ");
  const answers = (await probed(machine, script)).trim().split("\n");
  if (answers.length !== names.length) throw new Error(`${answers.length} answers to ${names.length} calls`);
  return names.filter((_, index) => answers[index] !== "EPERM").join();
}

testAttack({
  name: "the calls that Docker's profile blocks are denied by the filter: io_uring, keyctl, bpf, mount, userfaultfd, ...",
  skip,
  weakening: { plan: without("seccomp") },
  attempt: (machine) =>
    unblocked(
      machine,
      blocked.split(" ").filter((name) => numberOf(name) > 0),
    ),
});

const CLONE_NEWUSER = 0x1000_0000;

testAttack({
  name: "no user namespace is to be had: not by unshare, clone or clone3",
  skip,
  weakening: { plan: without("seccomp") },
  attempt: async (machine) => {
    const calls = [
      `unshare ${CLONE_NEWUSER}`,
      `clone ${CLONE_NEWUSER} 0 0 0 0`,
      `clone ${2 ** 32 + CLONE_NEWUSER} 0 0 0 0`,
      "clone3 0 0",
    ].map((call) => `probe call ${numberOf(call.split(" ")[0] ?? "")} ${call.split(" ").slice(1).join(" ")}`);
    const found = await probed(machine, calls.join("; "), { process: { user: { uid: 1000, gid: 1000 } } });
    return found.replace(/^EPERM\nEPERM\nEPERM\nENOSYS\n$/, "");
  },
});

const AF_ALG = 38;
const AF_VSOCK = 40;

testAttack({
  name: "CVE-2026-31431, 2026-123876: no AF_ALG, no AF_VSOCK, nor with bits above the argument that the kernel reads",
  skip,
  weakening: { plan: without("seccomp") },
  attempt: async (machine) => {
    const families = [AF_ALG, AF_VSOCK].flatMap((family) => [family, 2 ** 32 + family, -(2 ** 32) + family]);
    const script = families.map((family) => `probe call ${numberOf("socket")} ${family} 5 0`).join("; ");
    const i386 = `probe call32 ${numberOf("socket", "SCMP_ARCH_X86")} ${AF_ALG} 5 0`;
    const found = await probed(machine, `${script}; ${i386}`);
    return found.replaceAll("EPERM\n", "");
  },
});

testAttack({
  name: "another calling convention is no way round the filter",
  skip,
  weakening: { plan: without("seccomp") },
  attempt: async (machine) => {
    const script = `probe call32 ${numberOf("unshare", "SCMP_ARCH_X86")} ${CLONE_NEWUSER}; probe call ${numberOf("unshare", "SCMP_ARCH_X32") + 0x4000_0000} ${CLONE_NEWUSER}; echo end`;
    const found = await probed(machine, script, { process: { user: { uid: 1000, gid: 1000 } } });
    return found.replace(/^EPERM\n(EPERM|ENOSYS)\nend\n$/, "");
  },
});

testAttack({
  name: "CVE-2022-0492: no cgroup hierarchy can be mounted or written to: release_agent is out of reach",
  weakening: {
    plan: both(
      instead("mountAttr", (op) => [{ ...op, set: op.set & ~1 }]),
      instead("mount", (op) => [{ ...op, flags: op.flags & ~1 }]),
      instead("newMount", (op) => [{ ...op, attributes: op.attributes & ~1 }]),
      without("seccomp"),
    ),
  },
  attempt: async (machine) => {
    const script =
      'mkdir /tmp/c; mount -t cgroup -o memory none /tmp/c 2>/dev/null && echo mounted; for d in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do mkdir "$d"made 2>/dev/null && echo made $d && rmdir "$d"made; done; echo end';
    return (await probed(machine, script)).replace(/end\n$/, "");
  },
});

testAttack({
  name: "/proc/sys/kernel/core_pattern, sysrq-trigger and the like cannot be written to",
  weakening: { plan: without("readonlyPath") },
  attempt: async (machine) => {
    const files =
      "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/sys/vm/drop_caches";
    // Opened for writing, nothing is written: on the weakened build these are the machine's own.
    const script = `for f in ${files}; do test -e $f && (: 3<>$f) 2>/dev/null && echo $f; done; echo end`;
    return (await probed(machine, script)).replace(/end\n$/, "");
  },
});

testAttack({
  name: "CVE-2015-3630, 2017-16539, 2018-10892, GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p: masked paths tell nothing",
  weakening: { plan: without("maskPath") },
  attempt: async (machine) => {
    const script = `for p in ${defaultMaskedPaths.join(" ")}; do if test -d $p; then ls -A $p | head -1; elif test -e $p; then head -c 20 $p 2>/dev/null; fi; done; ls /sys/devices/system/cpu/cpu*/thermal_throttle 2>/dev/null; echo end`;
    return (await probed(machine, script)).replace(/end\n$/, "");
  },
});

testAttack({
  name: "every read-only path refuses a write, below it too",
  weakening: { plan: without("readonlyPath") },
  attempt: async (machine) => {
    const table = await probed(machine, "cat /proc/self/mountinfo");
    const isReadonly = (path: string): boolean =>
      table
        .split("\n")
        .some((line) => line.split(" ")[4] === path && /^ro(,|$)/.test(line.split(" ")[5] ?? ""));
    const present = await probed(machine, `ls -d ${defaultReadonlyPaths.join(" ")} 2>/dev/null`);
    return present
      .trim()
      .split("\n")
      .filter((path) => !isReadonly(path))
      .join();
  },
});

testAttack({
  name: "devices of the machine can be made, but not opened",
  weakening: {
    plan: (plan) =>
      plan.filter(
        (op) => !(op.op === "write" && /devices\.(allow|deny)$/.test(op.path)) && op.op !== "bpfDevice",
      ),
  },
  attempt: async (machine) => {
    const script =
      "mknod /tmp/mem c 1 1; mknod /tmp/kmsg c 1 11; mknod /tmp/fuse c 10 229; for d in mem kmsg fuse; do (: < /tmp/$d) 2>/dev/null && echo $d; done; echo end";
    return (await probed(machine, script)).replace(/end\n$/, "");
  },
});

testAttack({
  name: "CVE-2025-47291: a container with its own user namespace is in its cgroup, limits and all",
  weakening: {
    plan: both(
      without("write", ({ path }) => /(cgroup\.procs|tasks)$/.test(path)),
      instead("clone", ({ intoCgroupSlot: _left, ...op }) => [op]),
    ),
  },
  attempt: async (machine) => {
    const root = machine.makeRoot(giveToRoot);
    const { stdout: found } = await runScript(machine, "cat /proc/self/cgroup", {
      root,
      namespaces: withUser,
      linux: maps,
    });
    // Of version 1 those with resources, of version 2 the only one.
    const lines = found
      .trim()
      .split("\n")
      .filter((line, _, { length }) => length === 1 || !/:name=|^0::/.test(line));
    return lines.filter((line) => !line.includes(machine.cgroupParent)).join();
  },
});

testAttack({
  name: "CVE-2023-25809: the cgroups that the machine shares with a container are read-only",
  weakening: {
    plan: both(
      instead("mountAttr", (op) => [{ ...op, set: op.set & ~1 }]),
      instead("mount", (op) => [{ ...op, flags: op.flags & ~1 }]),
      instead("newMount", (op) => [{ ...op, attributes: op.attributes & ~1 }]),
    ),
  },
  attempt: async (machine) => {
    const script =
      'for d in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do mkdir "$d"made 2>/dev/null && echo made $d && rmdir "$d"made; done; echo end';
    return (await probed(machine, script)).replace(/end\n$/, "");
  },
});

testAttack({
  name: "CVE-2021-43784: a source and options beyond 64 KiB are whole: the kernel refuses them, nothing is cut",
  weakening: {
    native: [
      beforeCalls(
        "if (number == SYS_mount || (number == SYS_fsconfig && a[3])) ((char *)a[number == SYS_mount ? 0 : 3])[strnlen((char *)a[number == SYS_mount ? 0 : 3], 200)] = 0;",
      ),
    ],
  },
  attempt: async (machine) => {
    const mounts = [{ destination: "/big", type: "tmpfs", source: "x".repeat(70_000), options: ["size=1m"] }];
    const told = await runScript(machine, "true", { mounts }).then(
      () => "made",
      (error: Error) => error.message,
    );
    return /mounts\[\d+\] \/big: \w+\(2\): (EINVAL|ENAMETOOLONG|E2BIG)/.test(told) ? "" : told;
  },
});

/** As if what an image says were believed. */
const isTrusting = (op: Op): boolean => op.op === "sethostname" && op.name === "unconfined";

testAttack({
  name: "CVE-2026-94603, 2014-6408: annotations change no operation",
  weakening: { plan: (plan) => (plan.some(isTrusting) ? without("seccomp")(plan) : plan) },
  attempt: async (machine) => {
    const spec = dockerSpec(machine.host, machine.makeRoot(), "grep ^Seccomp: /proc/self/status");
    const keys = [
      "run.oci.handler",
      "org.criu.restore",
      "io.podman.annotations.seccomp",
      "com.docker.seccomp",
    ];
    const annotations = Object.fromEntries(keys.map((key) => [key, "unconfined"]));
    await using container = await machine.create({
      ...spec,
      annotations,
      hostname: annotations[keys[0] ?? ""] ?? "",
    });
    return (await outcomeOf(container.shim)).stdout.replace("Seccomp:\t2\n", "");
  },
});
