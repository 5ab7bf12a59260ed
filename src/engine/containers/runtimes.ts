// Docker's names of runtimes: the execution drivers that are built in, and programs that the configuration names.

import { invalid } from "#base/errors.ts";

export interface ConfiguredRuntime {
  readonly path: string;
  readonly runtimeArgs?: readonly string[];
}

interface BuiltinRuntime {
  readonly path: string;
  /** containerd's name of it. */
  readonly containerd: string;
  readonly warning?: string;
}

const own: BuiltinRuntime = { path: "gantry-exec", containerd: "io.containerd.runc.v2" };

const builtin: Readonly<Record<string, BuiltinRuntime>> = {
  runc: own,
  "io.containerd.runc.v2": own,
  lxc: { path: "lxc-execute", containerd: "io.gantry.lxc.v1" },
  chroot: {
    path: "chroot",
    containerd: "io.gantry.chroot.v1",
    warning:
      "Runtime chroot isolates nothing but the root file system: the container has the machine's processes, network, devices and all capabilities",
  },
};

export const defaultRuntime = "runc";

const findBuiltin = (name: string): BuiltinRuntime | undefined =>
  name === "" || name === "gantry" ? own : Object.hasOwn(builtin, name) ? builtin[name] : undefined;

export function validateRuntime(name: string, configured: readonly string[]): void {
  if (findBuiltin(name) === undefined && !configured.includes(name))
    throw invalid(`unknown or invalid runtime name: ${name}`);
}

/** A configured runtime has its own name there, too. */
export const containerdRuntime = (name: string): string => findBuiltin(name)?.containerd ?? name;

/** For a task: what is not said is the default. */
export function namedRuntime(name: string): { readonly runtime?: string } {
  const runtime = containerdRuntime(name);
  return runtime === own.containerd ? {} : { runtime };
}

export const runtimeWarnings = (name: string): readonly string[] => {
  const warning = findBuiltin(name)?.warning;
  return warning === undefined ? [] : [warning];
};

/** As `docker info` lists them. */
export const listRuntimes = (
  configured: Readonly<Record<string, ConfiguredRuntime>>,
): Readonly<Record<string, ConfiguredRuntime>> => ({
  ...Object.fromEntries(Object.entries(builtin).map(([name, { path }]) => [name, { path }])),
  ...configured,
});
