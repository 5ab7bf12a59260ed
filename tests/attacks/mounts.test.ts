// Images and volumes that try to lead the mounts astray: out of the root, onto something else, or away from where they belong.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PlanError } from "#kernel/plan/executor.ts";
import { O_NOFOLLOW } from "#libcontainer/linux-flags.table.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import {
  type ContainerMachine,
  dockerSpec,
  outcomeOf,
  runScript,
  type SpecChoices,
} from "../libcontainer/container-machine.ts";
import { testAttack } from "./attack.ts";
import { beforeCalls, instead, unfailing, type Weakening, without } from "./weakened.ts";

/** Paths are joined to the root's path, as if no image held a symlink. */
const joinedPaths: Weakening = {
  native: [
    ["how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;", "while (*path == '/') path++;"],
    beforeCalls(
      "if (number == SYS_openat2 && a[0] != AT_FDCWD) for (memset((char *)a[2] + 16, 0, 8); *(char *)a[1] == '/';) a[1]++;",
    ),
  ],
};

/** Links are followed where /proc, /sys, /dev and /dev/console must be themselves. */
const followedLinks = instead("open", (op) => [{ ...op, flags: op.flags & ~O_NOFOLLOW }]);

const never = new AbortController().signal;

/** A directory of the machine with one file. */
function makeOutside(machine: ContainerMachine): string {
  const outside = join(machine.folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "sentinel"), "untouched\n");
  return outside;
}

/** What has changed in it. */
function changesOf(outside: string): string {
  const added = readdirSync(outside).filter((name) => name !== "sentinel");
  const text = readFileSync(join(outside, "sentinel"), "utf8");
  return [...added, ...(text === "untouched\n" ? [] : [text])].join();
}

/** Of a container that runs to its end; "" if it cannot be made. */
async function saidBy(machine: ContainerMachine, spec: Spec): Promise<string> {
  try {
    await using container = await machine.create(spec);
    return (await outcomeOf(container.shim)).stdout;
  } catch (error) {
    if (error instanceof PlanError) return "";
    throw error;
  }
}

/** Without the mounts at /dev and below: the image's own counts. */
function withoutDev(
  machine: ContainerMachine,
  root: string,
  script: string,
  choices: SpecChoices = {},
): Spec {
  const spec = dockerSpec(machine.host, root, script, choices);
  return {
    ...spec,
    mounts: (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/dev")),
  };
}

for (const name of ["proc", "sys", "dev"])
  testAttack({
    name: `CVE-2019-19921, CVE-2023-27561, CVE-2026-41579: no container has a symlink at /${name}`,
    weakening: { plan: followedLinks },
    attempt: async (machine) => {
      const root = machine.makeRoot((path) => symlinkSync("work", join(path, name)));
      return await saidBy(machine, dockerSpec(machine.host, root, `readlink /${name}`));
    },
  });

testAttack({
  name: "CVE-2026-41579: without a mount at /dev nothing is made where a symlink there leads to",
  weakening: joinedPaths,
  attempt: async (machine) => {
    const outside = makeOutside(machine);
    const root = machine.makeRoot((path) => symlinkSync(outside, join(path, "dev")));
    await saidBy(machine, withoutDev(machine, root, "true"));
    return changesOf(outside);
  },
});

testAttack({
  name: "CVE-2014-9356, CVE-2015-3629, CVE-2019-18837: mount points and devices are made below the root",
  weakening: joinedPaths,
  attempt: async (machine) => {
    const outside = makeOutside(machine);
    const root = machine.makeRoot((path) => {
      symlinkSync(outside, join(path, "data"));
      symlinkSync(`${"../".repeat(12)}${outside.slice(1)}/pts`, join(path, "climb"));
    });
    const mounts: readonly Mount[] = [
      { destination: "/data/mounted", type: "tmpfs", source: "tmpfs" },
      { destination: "/data/bound", type: "bind", source: join(outside, "sentinel"), options: ["bind"] },
      { destination: "/climb", type: "tmpfs", source: "tmpfs" },
    ];
    const devices = [{ type: "c" as const, path: "/data/null", major: 1, minor: 3 }];
    await saidBy(machine, dockerSpec(machine.host, root, "true", { mounts, linux: { devices } }));
    return changesOf(outside);
  },
});

testAttack({
  name: "a masked path that is a symlink is masked where the container finds it",
  weakening: joinedPaths,
  attempt: async (machine) => {
    const outside = makeOutside(machine);
    const root = machine.makeRoot((path) => {
      mkdirSync(join(path, outside), { recursive: true });
      writeFileSync(join(path, outside, "sentinel"), "secret");
      symlinkSync(join(outside, "sentinel"), join(path, "masked"));
    });
    return (await runScript(machine, "cat /masked", { root, linux: { maskedPaths: ["/masked"] } })).stdout;
  },
});

function buildIntruder(machine: ContainerMachine): string {
  const program = join(machine.folder, "intruder");
  const source = join(import.meta.dirname, "intruder.c");
  execFileSync("cc", ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  return program;
}

/** The attack ends with its first success: a busy machine may give it that late. */
const TRIES = { whole: 500, weakened: 20_000 };
/** Mounts of a try. Each is a race of its own, and costs less than a container. */
const ROUNDS = 25;

testAttack({
  name: "CVE-2021-30465, CVE-2024-45310: in 500 tries against an exchanging volume nothing is made or mounted outside",
  weakening: joinedPaths,
  attempt: async (machine, build) => {
    const outside = makeOutside(machine);
    const program = buildIntruder(machine);
    const shared = join(machine.folder, "shared");
    mkdirSync(join(shared, "target"), { recursive: true });
    symlinkSync(`${"../".repeat(12)}${outside.slice(1)}`, join(shared, "link"));
    const volume: Mount = { destination: "/shared", type: "bind", source: shared, options: ["rbind"] };
    const hostileRoot = machine.makeRoot((path) => copyFileSync(program, join(path, "bin/intruder")));
    await using hostile = await machine.create(
      dockerSpec(machine.host, hostileRoot, "exec intruder flip /shared/target /shared/link", {
        mounts: [volume],
      }),
    );
    await hostile.shim.start(never);
    const spec = raced(machine, volume);
    for (let attempt = 0; attempt < TRIES[build] && changesOf(outside) === ""; attempt++) {
      await using _created = await machine.create(spec).catch(() => null);
      for (const name of ["target", "link"]) emptyIfDirectory(join(shared, name));
    }
    const mounted = readFileSync("/proc/self/mountinfo", "utf8").includes(machine.folder);
    return changesOf(outside) + (mounted ? "mounted" : "");
  },
});

/** Leaves alone where a symlink leads to. */
function emptyIfDirectory(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return;
  }
  for (const name of readdirSync(`/proc/self/fd/${fd}`))
    rmSync(`/proc/self/fd/${fd}/${name}`, { recursive: true });
  closeSync(fd);
}

/** As little as it needs to mount in the volume often, so that there are many tries. */
function raced(machine: ContainerMachine, volume: Mount): Spec {
  const { process, root } = dockerSpec(machine.host, machine.makeRoot(), "true");
  return {
    ociVersion: "1.2.0",
    ...(process !== undefined && { process }),
    ...(root !== undefined && { root }),
    mounts: [
      volume,
      ...Array.from({ length: ROUNDS }, (_, round) => [
        { destination: `/shared/target/mounted${round}`, type: "tmpfs", source: "tmpfs" },
        {
          destination: `/shared/target/made${round}/deep`,
          type: "bind",
          source: "/dev/null",
          options: ["bind"],
        },
      ]).flat(),
    ],
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }] },
  };
}

testAttack({
  name: "CVE-2025-31133: what masks a file is /dev/null of the machine, not what the image has at that path",
  weakening: {
    native: [
      beforeCalls(
        'if (number == SYS_open_tree && strcmp((char *)a[1], "/dev/null") == 0) a[0] = slot_fd(0), a[1]++;',
      ),
      unfailing("value == -ENODEV"),
    ],
    plan: without("mknod", ({ path }) => path === "/dev/null"),
  },
  attempt: async (machine) => {
    const root = machine.makeRoot((path) => {
      mkdirSync(join(path, "dev"));
      symlinkSync("/proc/sys/kernel/core_pattern", join(path, "dev/null"));
      writeFileSync(join(path, "work/masked"), "");
    });
    const linux = { maskedPaths: ["/work/masked"], readonlyPaths: ["/proc/sys"] };
    return await saidBy(machine, withoutDev(machine, root, "cat /work/masked", { linux }));
  },
});

testAttack({
  name: "CVE-2025-52565: a terminal does not come to lie where a symlink at /dev/console leads to",
  weakening: { plan: followedLinks },
  attempt: async (machine) => {
    const root = machine.makeRoot((path) => {
      mkdirSync(join(path, "dev"));
      writeFileSync(join(path, "work/covered"), "");
      symlinkSync("/work/covered", join(path, "dev/console"));
    });
    const spec = withoutDev(machine, root, "grep -o ' /work/covered ' /proc/self/mountinfo", {
      process: { terminal: true },
    });
    const pts: Mount = {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["newinstance", "ptmxmode=0666"],
    };
    return await saidOnTerminal(machine, { ...spec, mounts: [...(spec.mounts ?? []), pts] });
  },
});

async function saidOnTerminal(machine: ContainerMachine, spec: Spec): Promise<string> {
  try {
    await using made = await machine.create(spec);
    const stream = await made.shim.attach("", { stdin: false, stdout: true, stderr: false }, never);
    await made.shim.start(never);
    let said = "";
    for await (const chunk of stream) said += String(chunk);
    return said;
  } catch (error) {
    if (error instanceof PlanError) return "";
    throw error;
  }
}
