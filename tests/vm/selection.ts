// Which tests run in the guests, and which of those are left out in which guest, each with its reason.

import { globSync } from "node:fs";

/** In the latter of each kind systemd is process 1. */
export const guests = ["uml", "systemd", "qemu", "qemu-systemd"] as const;
export type GuestName = (typeof guests)[number];

/** Patterns of test files: what a kernel with other cgroups, or other kinds of links, matters to. The rest runs on the machine alone. */
const selected: readonly string[] = [
  "tests/attacks/*.test.ts",
  "tests/containers/checkpoint-criu.test.ts",
  "tests/libcontainer/*.test.ts",
  "tests/network/parents.test.ts",
  "tests/native/{plans,trees,shim,streams}.test.ts",
  "tests/runc/*.test.ts",
  "tests/system/{cgroups,options,survival,walk}.test.ts",
];

/** Of those, what runs with every push: User Mode Linux stops at each system call and each new page, and programs start slowly there. */
const quick: readonly string[] = [
  "tests/system/{walk,survival}.test.ts",
  "tests/network/parents.test.ts",
  "tests/libcontainer/container.test.ts",
  "tests/system/cgroups.test.ts",
  "tests/runc/{cgroups,runc}.test.ts",
  "tests/libcontainer/{exec,hooks,namespaces,process,user-namespace}.test.ts",
  "tests/libcontainer/mounts-root.test.ts",
  "tests/runc/{hooks,mounts}.test.ts",
  "tests/system/options.test.ts",
];

/** What systemd as process 1 matters to: its own cgroups, and those that we make beside them. */
const besideSystemd: readonly string[] = ["tests/runc/systemd.test.ts", "tests/system/cgroups.test.ts"];

const chosen: Readonly<Record<GuestName, readonly string[]>> = {
  uml: quick,
  systemd: besideSystemd,
  qemu: selected,
  "qemu-systemd": besideSystemd,
};

export interface LeftOut {
  readonly file: string;
  /** The whole title of a test or of a suite, or its beginning and "..."; without it the whole file. */
  readonly test?: string;
  /** The title's beginning as the file has it, if the rest is filled in. */
  readonly written?: string;
  readonly guests: readonly GuestName[];
  readonly why: string;
}

const noNetfilter = "this kernel has no nf_tables families, so there is no bridge network";

const sameCode =
  "the boundary between the processes knows no cgroups: it is tested on the machine and, with time, in qemu";

const noNarrowCalls = "this kernel takes a call of 32 bits (int 0x80) for one of 64";

const leftOut: readonly LeftOut[] = [
  {
    file: "tests/libcontainer/seccomp-profile.test.ts",
    test: "each architecture has its own numbers, and one that is not named ends the caller",
    guests: ["uml"],
    why: noNarrowCalls,
  },
  {
    file: "tests/attacks/attack.ts",
    test: "weakened: ...",
    written: "weakened: ",
    guests: ["qemu"],
    why: "each compiles gantry-exec, which takes minutes in an emulated machine",
  },
  ...["descriptors", "docker", "docker-cp", "engine", "mounts", "mounts-proc", "runc", "setup-processes"].map(
    (name) => ({
      file: `tests/attacks/${name}.test.ts`,
      guests: ["qemu"] as const,
      why: "by name: attacks begin again and again, which takes hours in an emulated machine; the kernel matters most to the others",
    }),
  ),
  {
    file: "tests/libcontainer/hostile-root.test.ts",
    test: "100 creations while a target flips between directory and symlink leave the host alone",
    guests: ["qemu"],
    why: "takes minutes in an emulated machine",
  },
  {
    file: "tests/runc/kill-points.test.ts",
    guests: ["qemu"],
    why: "starts more than two hundred residents, each some seconds in an emulated machine",
  },
  {
    file: "tests/runc/side-by-side.test.ts",
    test: "update has the same effect and refuses the same",
    guests: ["uml"],
    why: "it sets cpuset, which this kernel has not",
  },
  ...["", "weakened: "].map((build) => ({
    file: "tests/attacks/kernel-surface.test.ts",
    test: `${build}another calling convention is no way round the filter`,
    written: '"another calling convention is no way round the filter"',
    guests: ["uml"] as const,
    why: noNarrowCalls,
  })),
  {
    file: "tests/system/survival.suite.ts",
    test: "a published port still works after the daemon was killed and started again",
    guests: ["uml"],
    why: noNetfilter,
  },
  {
    file: "tests/system/survival.suite.ts",
    test: "containerd in its separate process",
    written: "`containerd in its ",
    guests: ["uml"],
    why: sameCode,
  },
  {
    file: "tests/system/walk.suite.ts",
    test: "the walk with containerd in its separate process",
    written: "`the walk with containerd in its ",
    guests: ["uml"],
    why: sameCode,
  },
];

const filesOf = (patterns: readonly string[]): readonly string[] =>
  patterns.flatMap((pattern) => globSync(pattern).sort());

/** Long ones first, for a fair share. */
export const selectedIn = (guest: GuestName): readonly string[] => filesOf(chosen[guest]);

export function leftOutIn(guest: GuestName): readonly LeftOut[] {
  const here = leftOut.filter(({ guests }) => guests.includes(guest));
  if (guest !== "uml") return here;
  const files = new Set(selectedIn(guest));
  const slow = filesOf(selected).filter((file) => !files.has(file));
  return [
    ...here,
    ...slow.map((file) => ({ file, guests: [guest], why: "by command: every run has no time for it" })),
  ];
}
