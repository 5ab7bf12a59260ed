// Reads /etc/passwd and /etc/group of a root file system: hostile files, so by a plan that cannot leave the root, bounded in size.
// What is read from an image's own layers is remembered by the image, since most starts are first starts.

import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { UserFiles } from "./user.ts";

const CLONE_NEWNS = 0x2_0000;
const MS_PRIVATE = 1 << 18;
const O_DIRECTORY = 0o200000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const ROOT = 0;

const IMAGES_REMEMBERED = 64;

const readPlan = (root: string): Plan => [
  { op: "open", why: "root file system", path: root, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, slot: ROOT },
  { op: "read", why: "/etc/passwd", path: "etc/passwd", root: ROOT, missingOk: true },
  { op: "read", why: "/etc/group", path: "etc/group", root: ROOT, missingOk: true },
];

/** Mounts the snapshot in a namespace of the plan's own: it is gone when the plan has ended. */
export function planUserFiles(mounts: readonly Mount[], target: string): Plan {
  return [
    { op: "unshare", why: "user lookup", flags: CLONE_NEWNS },
    {
      op: "mountAttr",
      why: "user lookup",
      target: "/",
      set: 0,
      clear: 0,
      propagation: MS_PRIVATE,
      recursive: true,
    },
    ...mounts.map((mount) => mountOp(mount, target)),
    ...readPlan(target),
  ];
}

function mountOp(mount: Mount, target: string): Plan[number] {
  if (mount.type === "bind")
    return { op: "bind", why: "user lookup", source: mount.source ?? "", target, recursive: false };
  return {
    op: "mount",
    why: "user lookup",
    fstype: mount.type ?? "overlay",
    source: mount.source ?? "overlay",
    target,
    flags: 0,
    data: (mount.options ?? []).filter((option) => option !== "rw" && option !== "ro").join(","),
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

  /** The files that a running process sees. */
  async readLive(pid: number, signal: AbortSignal): Promise<UserFiles> {
    return this.#run(readPlan(`/proc/${pid}/root`), signal);
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
