// A container from what checkpoint has saved. criu runs in a mount namespace of its own, in which the root file system is a mount by
// itself; the processes that it makes are the caller's children, as those of a container that was made by `run`.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemError, unsupported } from "#base/errors.ts";
import { planCgroup } from "#kernel/cgroups/plan-cgroup.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { criuFailure, restoreArguments } from "#libcontainer/checkpoint/criu.ts";
import { type Notes, readNotes } from "#libcontainer/checkpoint/notes.ts";
import { planNetworkFd } from "#libcontainer/checkpoint/plan-restore.ts";
import { refuseUnsaved } from "#libcontainer/checkpoint/refuse-unsaved.ts";
import { CLONE_NEWNS } from "#libcontainer/linux-flags.table.ts";
import { withBindSources } from "#libcontainer/mounts/bind-sources.ts";
import { planIsolation } from "#libcontainer/mounts/plan-rootfs.ts";
import { loadBundle } from "./bundle.ts";
import { callerPath } from "./caller.ts";
import { criuProgram, makeFolders } from "./checkpoint.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import { beginState, type ContainerState, readProcess } from "./containers.ts";
import { type Deps, writePidFile } from "./create.ts";
import { restoreOptions } from "./criu.ts";
import { deleteContainer } from "./delete.ts";
import { choosePlacement, closePlacement } from "./placement.ts";
import { cgroupsOf } from "./status.ts";

/** Of criu. */
const NETWORK_FD = 3;

export async function restoreCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const { containers, caller, runtime } = deps;
  const { path, spec, rootfs } = loadBundle(caller, lastOf(given, "bundle") || ".");
  refuseUnsaved(spec);
  const notes = readNotes(callerPath(caller, lastOf(given, "image-path") || "checkpoint"));
  const placement = choosePlacement({ ...deps, host: runtime.host }, id, spec);
  if (placement.unit !== undefined) throw unsupported("--systemd-cgroup of restore");
  containers.reserve(id);
  const begun = beginState({ id, bundle: path, rootfs, startFifo: "", spec, placement });
  try {
    containers.save(begun);
    const initPid = await restoreProcesses(deps, given, { begun, notes });
    const state = { ...begun, initPid, initStartTime: readProcess(initPid)?.startTime ?? "" };
    containers.save(state);
    writePidFile(caller, given, initPid);
    if (isOn(given, "detach")) return 0;
    const code = await waitForExit(initPid, deps.signal);
    await deleteContainer(deps, state);
    return code;
  } catch (error) {
    await closePlacement({ ...deps, host: runtime.host }, begun.placement);
    containers.remove(id);
    throw error;
  }
}

async function restoreProcesses(
  deps: Deps,
  given: Given,
  { begun, notes }: { readonly begun: ContainerState; readonly notes: Notes },
): Promise<number> {
  const folders = makeFolders(deps, given, begun);
  const directory = deps.containers.directory(begun.id);
  const mountPoint = join(directory, "criu-root");
  const pidFile = join(directory, "criu.pid");
  const cgroups = cgroupsOf(deps, begun);
  const { host } = deps.runtime;
  mkdirSync(mountPoint, { mode: 0o700 });
  const plan = planCgroup(cgroups, host.cgroups, begun.spec.linux?.resources ?? {});
  await deps.caller.executor.run(plan, deps.signal);
  const words = restoreArguments({
    ...folders,
    spec: withBindSources(begun.spec, begun.bundle),
    notes,
    rootfs: mountPoint,
    cgroups,
    pidFile,
    streamFds: [0, 1, 2],
    networkFd: NETWORK_FD,
    options: restoreOptions(given),
  });
  const child = await deps.caller.spawn({
    plan: planCriu(deps, words, { ...begun, mountPoint }),
    preservedFds: 0,
    foreground: true,
  });
  child.go();
  await child.executed;
  const code = await child.wait();
  if (code !== 0) throw criuFailure("restore", folders, `exit status ${code}`);
  const pid = Number(readFileSync(pidFile, "utf8"));
  rmSync(pidFile);
  if (!Number.isInteger(pid) || pid <= 0) throw systemError("criu told no process");
  return pid;
}

/** Mounts in this namespace are gone with criu. */
function planCriu(
  deps: Deps,
  words: readonly string[],
  { spec, rootfs, mountPoint }: Pick<ContainerState, "spec" | "rootfs"> & { readonly mountPoint: string },
): Plan {
  const why = "restore";
  const program = criuProgram(deps);
  const { env } = deps.caller;
  const searched = (env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin")
    .split(":")
    .map((path) => join(path, program));
  return [
    { op: "clone", why, flags: CLONE_NEWNS },
    planIsolation(),
    { op: "bind", why, source: rootfs, target: mountPoint, recursive: true },
    ...planNetworkFd(spec, NETWORK_FD),
    {
      op: "exec",
      why,
      candidates: program.includes("/") ? [callerPath(deps.caller, program)] : searched,
      argv: [program, ...words],
      env: Object.entries(env).map(([name, value]) => `${name}=${value ?? ""}`),
    },
  ];
}

/** The exit code of a process whose parent does not reap it before this command ends. */
async function waitForExit(pid: number, signal: AbortSignal): Promise<number> {
  for (;;) {
    const text = readStat(pid);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (text === "") return 0;
    if (fields[0] === "Z" || fields[0] === "X") return exitCode(Number(fields[49]));
    await delay(20, undefined, { signal });
  }
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return ""; // it was reaped
  }
}

/** As wait(2) tells it: a signal in the lower seven bits, or the code in the next eight. */
const exitCode = (status: number): number =>
  (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
