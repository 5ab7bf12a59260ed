// Reads /etc/passwd and /etc/group of a root file system: hostile files, so by a plan that cannot leave the root, bounded in size.
// What is read from an image's own layers is remembered by the image, since most starts are first starts.

import { planSnapshotMount, SNAPSHOT_ROOT } from "#containerd/diff/mount-plan.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { overlayOption } from "./overlay-option.ts";
import type { UserFiles } from "./user.ts";

const O_DIRECTORY = 0o200000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

const IMAGES_REMEMBERED = 64;

const readFiles: Plan = [
  { op: "read", why: "/etc/passwd", path: "etc/passwd", root: SNAPSHOT_ROOT, missingOk: true },
  { op: "read", why: "/etc/group", path: "etc/group", root: SNAPSHOT_ROOT, missingOk: true },
];

const planLive = (pid: number): Plan => [
  {
    op: "open",
    why: "root of a process",
    path: `/proc/${pid}/root`,
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    slot: SNAPSHOT_ROOT,
  },
  ...readFiles,
];

/** Mounts the snapshot in a namespace of the plan's own, for reading: it is gone when the plan has ended. */
function planUserFiles(mounts: readonly Mount[], target: string): Plan {
  return [...planSnapshotMount(mounts.map(readOnly), target), ...readFiles];
}

/** The layers without a place to write: nothing is to be synchronised when the mount goes. */
function readOnly(mount: Mount): Mount {
  const options = mount.options ?? [];
  const upper = overlayOption(mount, "upperdir");
  if (upper === undefined) return mount;
  return {
    ...mount,
    options: options
      .filter((option) => !/^(upperdir|workdir)=/.test(option))
      .map((option) => option.replace(/^lowerdir=/, `lowerdir=${upper}:`)),
  };
}

export class UserFileReader {
  readonly #executor: Pick<Executor, "run">;
  readonly #byImage = new Map<string, UserFiles>();

  constructor(executor: Pick<Executor, "run">) {
    this.#executor = executor;
  }

  /** `chainId`: the root file system is still the image's; "" if it may have been written to. */
  async read(
    snapshot: { readonly mounts: readonly Mount[]; readonly target: string; readonly chainId: string },
    signal: AbortSignal,
  ): Promise<UserFiles> {
    const known = this.#byImage.get(snapshot.chainId);
    if (known !== undefined) return known;
    const files = await this.#run(planUserFiles(snapshot.mounts, snapshot.target), signal);
    if (snapshot.chainId !== "") this.#remember(snapshot.chainId, files);
    return files;
  }

  /** What is remembered of an image; empty texts if nothing is. */
  known(chainId: string): UserFiles {
    return this.#byImage.get(chainId) ?? { passwd: "", group: "" };
  }

  /** The files that a running process sees. */
  async readLive(pid: number, signal: AbortSignal): Promise<UserFiles> {
    return this.#run(planLive(pid), signal);
  }

  async #run(plan: Plan, signal: AbortSignal): Promise<UserFiles> {
    const results = await this.#executor.run(plan, signal);
    const textOf = (why: string): string => {
      const chunks = results.get(plan.findIndex((op) => op.why === why)) ?? [];
      return Buffer.concat([...chunks]).toString();
    };
    return { passwd: textOf("/etc/passwd"), group: textOf("/etc/group") };
  }

  #remember(chainId: string, files: UserFiles): void {
    const [oldest] = this.#byImage.keys();
    if (this.#byImage.size >= IMAGES_REMEMBERED && oldest !== undefined) this.#byImage.delete(oldest);
    this.#byImage.set(chainId, files);
  }
}
