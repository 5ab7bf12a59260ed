// A container from what a checkpoint has saved, for its shim.
//
//   shim ── the plan's process: cgroups, mounts, awaitStart ── criu ── the container's processes
//            ends, and leaves the container's init to the shim   ends
//
// They are restored behind the start: whoever creates the container may take it back with nothing of it having run.

import { join } from "node:path";
import { unsupported } from "#base/errors.ts";
import { planCgroup } from "#kernel/cgroups/plan-cgroup.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type CompiledContainer, compileContainer, rootPathOf } from "../compile.ts";
import type { CompileOptions } from "../compile-input.ts";
import { CLONE_NEWNS, O_CLOEXEC } from "../linux-flags.table.ts";
import { withBindSources } from "../mounts/bind-sources.ts";
import { planIsolation, planRootfs } from "../mounts/plan-rootfs.ts";
import { callerStreams } from "../process/plan-terminal.ts";
import { FIRST_NAMESPACE_SLOT } from "../slots.ts";
import { type Folders, restoreArguments } from "./criu.ts";
import { readNotes } from "./notes.ts";
import { joinedNetwork, refuseUnsavedTask } from "./refuse-unsaved.ts";
import { planCriu } from "./save-container.ts";

/** Descriptors of criu beside its own 0 to 2. */
const STREAM_FDS = [3, 4, 5] as const;
const NETWORK_FD = 6;

/** `folders`: of the checkpoint, and for criu's log; both exist. Throws `invalid` for a checkpoint of another container. */
export function compileRestore(
  given: Spec,
  folders: Folders,
  options: CompileOptions & { readonly bundle: string },
): CompiledContainer {
  refuseUnsavedTask(given);
  if (Object.values(given.hooks ?? {}).some((hooks) => hooks.length > 0))
    throw unsupported("restore of a container with hooks");
  const spec = withBindSources(given, options.bundle);
  const { undo, cgroup, warnings } = compileContainer(given, options);
  const rootfs = rootPathOf(spec, options.bundle);
  const pidFile = join(options.bundle, "criu.pid");
  const words = restoreArguments({
    ...folders,
    spec,
    notes: readNotes(folders.images),
    rootfs,
    cgroups: cgroup,
    pidFile,
    streamFds: STREAM_FDS,
    networkFd: NETWORK_FD,
    options: ["--manage-cgroups=soft"],
  });
  const plan: Plan = [
    ...planCgroup(cgroup, options.host.cgroups, spec.linux?.resources ?? {}),
    { op: "unshare", why: "mounts for criu", flags: CLONE_NEWNS },
    planIsolation(),
    ...planRootfs(rootfs, options.rootfs),
    ...callerStreams.map(
      (slot, index) =>
        ({ op: "dupTo", why: "standard streams", slot, fd: STREAM_FDS[index] ?? index }) as const,
    ),
    ...planNetworkFd(spec, NETWORK_FD),
    { op: "awaitStart", why: "created" },
    planCriu("restore", folders, words),
    { op: "handOver", why: "the container's init", path: pidFile },
  ];
  return { plan, undo, cgroup, warnings };
}

/** The network namespace that others have made, as a descriptor that programs inherit. */
export function planNetworkFd(spec: Spec, fd: number): Plan {
  const path = joinedNetwork(spec);
  if (path === undefined) return [];
  const why = "network namespace";
  return [
    { op: "open", why, path, flags: O_CLOEXEC, slot: FIRST_NAMESPACE_SLOT },
    { op: "dupTo", why, slot: FIRST_NAMESPACE_SLOT, fd },
  ];
}
