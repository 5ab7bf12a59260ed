// The execution drivers by containerd's names of runtimes: what compiles a container's plans, and what it leaves besides its cgroup.

import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { invalid } from "#base/errors.ts";
import { killCgroup } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import { parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import { compileExec } from "#libcontainer/compile-exec.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { NetDevice } from "#libcontainer/net-devices.ts";
import { compileBinary, pidFileOf, type RuntimeBinary } from "#lxc/compile-binary.ts";
import { compileChroot, compileChrootExec } from "#lxc/compile-chroot.ts";
import { cgroupOf, compileLxc, lxcCgroups, monitorCgroup } from "#lxc/compile-lxc.ts";
import { findLxcInit, readPidFile } from "#lxc/container-process.ts";
import { programOfRuntime } from "#shim/runtime-name.ts";
import type { AdoptRequest, ShimCreate } from "#shim/shim.ts";
import type { Process } from "#spec/oci-runtime.ts";

export interface Driver {
  compile(request: ShimCreate & { readonly netDevices?: readonly NetDevice[] }): {
    readonly plan: Plan;
    readonly undo: Plan;
    readonly warnings: readonly string[];
  };
  /** `initPid`: the process that the shim has started. */
  planExec(container: AdoptRequest, process: Process, initPid: number): Plan | Promise<Plan>;
}

export interface DriverOptions {
  readonly host: HostFacts;
  readonly warn: (message: string) => void;
  /** Of the daemon's configuration, by name. */
  readonly binaries: Readonly<Record<string, RuntimeBinary>>;
}

/** Throws `invalid` for a name that no driver has; absent is libcontainer. */
export type FindDriver = (runtime: string | undefined) => Driver;

export function createDrivers(options: DriverOptions): FindDriver {
  const own = ownDriver(options);
  const builtin: Readonly<Record<string, Driver>> = {
    "io.gantry.lxc.v1": lxcDriver(options),
    "io.gantry.chroot.v1": chrootDriver(options),
  };
  return (runtime) => {
    if (runtime === undefined) return own;
    const binary = Object.hasOwn(options.binaries, runtime) ? options.binaries[runtime] : undefined;
    const driver = Object.hasOwn(builtin, runtime) ? builtin[runtime] : undefined;
    if (binary !== undefined) return binaryDriver(options, binary);
    const program = programOfRuntime(runtime);
    if (program !== undefined) return binaryDriver(options, { path: findProgram(program), runtimeArgs: [] });
    if (driver === undefined)
      throw invalid(`runtime ${JSON.stringify(runtime)} is not available: invalid argument`);
    return driver;
  };
}

const ownDriver = ({ host, warn }: DriverOptions): Driver => ({
  compile: ({ id, spec, rootfs, stateDir, netDevices }) =>
    compileContainer(spec, {
      id,
      rootfs,
      bundle: stateDir,
      host,
      ...(netDevices !== undefined && { netDevices }),
    }),
  planExec: ({ id, spec }, process, initPid) => compileExec(spec, process, { id, initPid, host, warn }),
});

/** Further processes enter what LXC has made around its own init. */
const lxcDriver = ({ host, warn }: DriverOptions): Driver => ({
  compile: (request) => {
    if (!isInstalled("lxc-execute")) throw invalid("runtime lxc needs lxc-execute, of Debian's package lxc");
    return compileLxc(request, { ...host, machine: { findKind, hasMountsBelow } });
  },
  planExec: async ({ id, spec }, process, initPid) =>
    compileExec(spec, process, { id, initPid: await findLxcInit(initPid), host, warn }),
});

const chrootDriver = ({ host }: DriverOptions): Driver => ({
  compile: (request) => compileChroot(request, host),
  planExec: (container, process, initPid) => compileChrootExec(container, process, { host, initPid }),
});

const binaryDriver = ({ host, warn }: DriverOptions, binary: RuntimeBinary): Driver => ({
  compile: (request) => compileBinary(request, binary),
  planExec: async (container, process) => {
    const { id, spec } = container;
    return compileExec(spec, process, { id, initPid: await readPidFile(pidFileOf(container)), host, warn });
  },
});

function findKind(path: string): "file" | "dir" | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? "dir" : "file";
}

const hasMountsBelow = (path: string): boolean =>
  parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")).some(({ mountPoint }) =>
    mountPoint.startsWith(`${path}/`),
  );

const programDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const isInstalled = (name: string): boolean => pathsOf(name).some(isExecutable);

const pathsOf = (name: string): readonly string[] =>
  programDirectories.map((directory) => join(directory, name));

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `program`: a path, or a name that is looked up. */
function findProgram(program: string): string {
  const found = (isAbsolute(program) ? [program] : pathsOf(program)).find(isExecutable);
  if (found !== undefined) return found;
  const problem = isAbsolute(program) ? "no such file or directory" : "executable file not found in $PATH";
  throw invalid(`failed to create shim task: OCI runtime create failed: fork/exec ${program}: ${problem}`);
}

/** What LXC and other runtimes keep beside the container's cgroup when they are killed. Idempotent. */
export async function removeDriverRemains(container: AdoptRequest, host: HostFacts): Promise<void> {
  const traces = ["lxc.conf", "bundle/config.json"];
  if (!traces.some((name) => existsSync(join(container.stateDir, name)))) return;
  const cgroup = cgroupOf(container);
  for (const path of [monitorCgroup(cgroup), cgroup]) {
    const paths = lxcCgroups(host, path);
    await killCgroup(paths);
    await removeCgroups(paths);
  }
  const v2 = host.cgroups.v2?.mountPoint;
  if (v2 !== undefined) await removeEmpty(v2, dirname(join(v2, cgroup)));
  await removeEmpty("/run", join("/run/lxc/lock", container.stateDir));
}

/** A directory and those that it is in, as far as they are empty. */
async function removeEmpty(top: string, directory: string): Promise<void> {
  for (let path = directory; path.startsWith(`${top}/`); path = dirname(path)) {
    const removed = await rmdir(path).then(
      () => true,
      (error: unknown) => errorCode(error) === "ENOENT",
    );
    if (!removed) return;
  }
}

const errorCode = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;
