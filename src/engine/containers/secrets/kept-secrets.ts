// Where secrets are while their container exists: files of a memory file system of its own on the host, below a directory that only
// root enters. It outlives the daemon and not the machine; nothing of it is ever on a disk, swap included where the kernel can say so.

import { access, mkdir, open, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { invalid, systemError } from "#base/errors.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { SecretFile } from "#spec/engine-api/secrets.ts";
import type { MountSpec } from "../mount-spec.ts";
import type { ContainerRecord, MountPoint } from "../record.ts";
import type { Secret } from "./parse-secrets.ts";

export interface SecretDeps {
  readonly executor: Pick<Executor, "run">;
  /** Below the exec root. */
  readonly secretsDir: string;
}

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MNT_DETACH = 2;
/** The largest page that Linux uses; a file takes whole pages. */
const PAGE = 65_536;
const never = new AbortController().signal;

/** `releaseSecrets` undoes it, also what a failure left. */
export async function keepSecrets(
  deps: SecretDeps,
  id: string,
  secrets: readonly Secret[],
  signal: AbortSignal,
): Promise<void> {
  const directory = join(deps.secretsDir, id);
  await mkdir(deps.secretsDir, { recursive: true, mode: 0o700 });
  await mkdir(directory, { mode: 0o700 });
  const size = secrets.reduce((sum, { data }) => sum + Math.ceil(data.length / PAGE + 1) * PAGE, PAGE);
  await mountMemory(deps, directory, size, signal);
  for (const [index, { data, uid, gid, mode }] of secrets.entries()) {
    await using file = await open(join(directory, String(index)), "wx", 0o600);
    await file.writeFile(data);
    await file.chown(uid, gid);
    await file.chmod(mode);
  }
}

async function mountMemory(
  deps: SecretDeps,
  target: string,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const mount = (data: string): Op => ({
    op: "mount",
    why: "secrets",
    fstype: "tmpfs",
    source: "secrets",
    target,
    flags,
    data,
  });
  const data = `mode=0700,size=${size}`;
  try {
    await deps.executor.run([mount(`${data},noswap`)], signal);
  } catch (error) {
    if (!(error instanceof PlanError) || error.code !== "EINVAL") throw error;
    await deps.executor.run([mount(data)], signal); // Linux before 6.4
  }
}

/** Idempotent. A container that still runs keeps what it has. */
export async function releaseSecrets(deps: SecretDeps, id: string): Promise<void> {
  const target = join(deps.secretsDir, id);
  const op: Op = { op: "umount", why: "secrets", target, flags: MNT_DETACH, missingOk: true };
  await deps.executor.run([op], never);
  await rmdir(target).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  });
}

/** At the daemon's start: those of containers that were not made, or whose removal did not come to its end. */
export async function releaseStraySecrets(deps: SecretDeps, isKnown: (id: string) => boolean): Promise<void> {
  const names = await readdir(deps.secretsDir).catch(() => []);
  for (const id of names) if (!isKnown(id)) await releaseSecrets(deps, id);
}

/** The mounts that a container gets beside its own. Rejects when the machine was restarted since it was made. */
export async function mountsOfSecrets(
  { secretsDir }: Pick<SecretDeps, "secretsDir">,
  { id, secrets = [] }: Pick<ContainerRecord, "id" | "secrets">,
): Promise<readonly MountPoint[]> {
  return Promise.all(
    secrets.map(async ({ target }, index) => {
      const source = join(secretsDir, id, String(index));
      await access(source).catch((cause: unknown) => {
        throw systemError(
          `the secrets of container ${id.slice(0, 12)} were in memory and are gone since the machine was restarted: create the container again`,
          { cause },
        );
      });
      return secretMount(source, target);
    }),
  );
}

const secretMount = (source: string, destination: string): MountPoint => ({
  type: "bind",
  name: "",
  source,
  destination,
  driver: "",
  mode: "",
  writable: false,
  propagation: "rprivate",
  copy: false,
  anonymous: false,
  createSource: false,
  options: [],
  recursive: false,
  kept: true,
});

export function refuseTakenTargets(
  secrets: readonly SecretFile[],
  mounts: readonly Pick<MountSpec, "destination">[],
): void {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const other = secrets.find(({ target }) => taken.has(target));
  if (other !== undefined) throw invalid(`Duplicate mount point: ${other.target} (secret "${other.id}")`);
}
