// What the plans of all drivers that are programs of their own have in common: the root file system is made as for any container, in a
// mount namespace that ends with the container, and the program that knows how to isolate it is started there.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import {
  CLONE_NEWNS,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  O_TRUNC,
  O_WRONLY,
} from "#libcontainer/linux-flags.table.ts";
import { planIsolation, planRootfs } from "#libcontainer/mounts/plan-rootfs.ts";
import { planOpenTerminal, planStandardStreams } from "#libcontainer/process/plan-terminal.ts";
import { ROOT_SLOT } from "#libcontainer/slots.ts";
import type { Mount, Process, Spec } from "#spec/oci-runtime.ts";

const O_CREAT = 0o100;

export interface DriverRequest {
  readonly id: string;
  readonly stateDir: string;
  readonly spec: Spec;
  readonly rootfs: readonly Mount[];
}

export interface DriverPlan {
  readonly plan: Plan;
  /** What a failed start leaves on the host. */
  readonly undo: Plan;
  readonly warnings: readonly string[];
}

export function processOf({ process }: Spec): Process {
  if (process === undefined) throw invalid("process property must not be empty");
  if (process.args === undefined || process.args.length === 0) throw invalid("args must not be empty");
  return process;
}

export function rootPathOf({ spec, stateDir }: Pick<DriverRequest, "spec" | "stateDir">): string {
  const path = spec.root?.path;
  if (path === undefined || path === "") throw invalid("root property must not be empty");
  return posix.resolve(stateDir, path);
}

export const planOwnMounts = (request: DriverRequest): Plan => [
  { op: "unshare", why: "mounts that end with the container", flags: CLONE_NEWNS },
  planIsolation(),
  { op: "umask", why: "modes are as given", mask: 0 },
  ...planRootfs(rootPathOf(request), request.rootfs),
];

export const planFile = (why: string, path: string, text: string): Op => ({
  op: "write",
  why,
  path,
  flags: O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
  mode: 0o600,
  data: new TextEncoder().encode(text),
});

/** A terminal is one of the machine's own devpts: the program gets it as any program of the machine does. */
export const planMachineStreams = (process: Process): Plan => [
  { op: "setsid", why: "a session of its own" },
  {
    op: "open",
    why: "root of the machine",
    path: "/",
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    slot: ROOT_SLOT,
  },
  ...planOpenTerminal(process),
  { op: "close", why: "root of the machine", slot: ROOT_SLOT },
  ...planStandardStreams(process),
];

const machinePath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Waits for the start, then becomes a program of the machine. */
export const planForeignProgram = (name: string, args: readonly string[]): Plan => [
  { op: "chdir", why: `cwd of ${name}`, path: "/" },
  { op: "cloexecFrom", why: "only 0, 1 and 2 reach the program", first: 3 },
  { op: "awaitStart", why: "created" },
  {
    op: "exec",
    why: `runtime ${name}`,
    candidates: name.includes("/") ? [name] : machinePath.map((directory) => `${directory}/${name}`),
    argv: [name, ...args],
    env: [`PATH=${machinePath.join(":")}`],
  },
];
