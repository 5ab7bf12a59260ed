// The /dev/shm that containers share: one of the donor's, mounted on the host while it runs (--ipc shareable).

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { conflict, invalid } from "#base/errors.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { HostConfig } from "#spec/container-config.ts";
import { containerOf } from "./namespace-modes.ts";
import type { ContainerRecord } from "./record.ts";
import type { ContainerStore } from "./store.ts";

/** Where a container's processes have their IPC objects. */
export interface IpcPlan {
  /** Namespace to join; undefined for one of its own or the host's. */
  readonly namespace: string | undefined;
  /** Directory of the host to mount at /dev/shm; undefined for a memory file system of its own, or none. */
  readonly sharedMemory: string | undefined;
}

export interface SharedMemoryDeps {
  readonly executor: Pick<Executor, "run">;
  readonly containersDir: string;
}

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MNT_DETACH = 2;
const never = new AbortController().signal;

const sharedMemoryOf = (containersDir: string, id: string): string => join(containersDir, id, "mounts/shm");

const isShareable = ({ hostConfig }: ContainerRecord): boolean => hostConfig.IpcMode === "shareable";

export function planIpc(
  containers: Pick<ContainerStore, "find">,
  { id, hostConfig }: { readonly id: string; readonly hostConfig: Pick<HostConfig, "IpcMode"> },
  containersDir: string,
): IpcPlan {
  const { IpcMode: mode } = hostConfig;
  if (mode === "host") return { namespace: undefined, sharedMemory: "/dev/shm" };
  if (mode === "shareable") return { namespace: undefined, sharedMemory: sharedMemoryOf(containersDir, id) };
  const reference = containerOf(mode);
  if (reference === undefined) return { namespace: undefined, sharedMemory: undefined };
  const failed = "failed to join IPC namespace: ";
  const donor = containers.find(reference);
  if (donor === undefined) throw invalid(`${failed}No such container: ${reference}`);
  if (donor.state.status === "restarting")
    throw conflict(`${failed}container ${donor.id} is restarting, wait until the container is running`);
  if (!donor.running) throw conflict(`${failed}container ${donor.id} is not running`);
  const { sharedMemory } = planIpc(containers, donor.record, containersDir);
  if (sharedMemory === undefined)
    throw invalid(
      `${failed}container ${donor.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  return { namespace: `/proc/${donor.state.pid}/ns/ipc`, sharedMemory };
}

/** Does nothing for a container that does not share its own. `releaseSharedMemory` undoes it. */
export async function mountSharedMemory(
  deps: SharedMemoryDeps,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<void> {
  if (!isShareable(record)) return;
  const target = sharedMemoryOf(deps.containersDir, record.id);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const data = `mode=1777,size=${record.hostConfig.ShmSize}`;
  await deps.executor.run(
    [unmount(target), { op: "mount", why: "/dev/shm", fstype: "tmpfs", source: "shm", target, flags, data }],
    signal,
  );
}

/** Idempotent. Containers that joined keep what they have. */
export async function releaseSharedMemory(deps: SharedMemoryDeps, record: ContainerRecord): Promise<void> {
  if (!isShareable(record)) return;
  await deps.executor.run([unmount(sharedMemoryOf(deps.containersDir, record.id))], never);
}

const unmount = (target: string): Plan[number] => ({
  op: "umount",
  why: "/dev/shm",
  target,
  flags: MNT_DETACH,
  missingOk: true,
});
