// The engine's own volumes: directories below the data root, some with a file system mounted on them while containers use them.

import { createHash } from "node:crypto";
import { chmod, lchown, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { wordsOf } from "#base/errno-words.ts";
import { invalid, systemError } from "#base/errors.ts";
import { parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { describeMountFailure, type LookUp, planDeviceMount } from "./device-mount.ts";
import type { DriverVolume, VolumeDriver } from "./driver.ts";
import { attributesOf, checkLocalOptions, deviceOf, sizeOf, type VolumeDevice } from "./local-options.ts";
import { isLocal, type VolumeStore } from "./store.ts";
import { checkVolumeName } from "./volume-name.ts";

export interface LocalDriverDeps {
  readonly executor: Pick<Executor, "run">;
  readonly lookUp: LookUp;
  /** Where every volume has a directory; exists. */
  readonly directory: string;
  /** What is known of them. */
  readonly store: Pick<VolumeStore, "find" | "list">;
}

const MNT_DETACH = 2;
const never = new AbortController().signal;

export class LocalDriver implements VolumeDriver {
  readonly name = "local";
  readonly #deps: LocalDriverDeps;

  constructor(deps: LocalDriverDeps) {
    this.#deps = deps;
  }

  async scope(): Promise<"local"> {
    return "local";
  }

  mountpoint(name: string): string {
    return join(this.#deps.directory, name, "_data");
  }

  /** Throws Docker's refusal. */
  check(name: string, options: Readonly<Record<string, string>>): void {
    checkVolumeName(name);
    checkLocalOptions(name, options);
  }

  /** What is there already stays as it is, but for its attributes. */
  async create(name: string, options: Readonly<Record<string, string>>): Promise<void> {
    const data = this.mountpoint(name);
    await makeDirectory(join(this.#deps.directory, name), 0o701);
    await mkdir(data, { recursive: true, mode: 0o755 });
    const { uid, gid, mode } = attributesOf(options);
    if (uid !== undefined || gid !== undefined) await lchown(data, uid ?? 0, gid ?? 0);
    if (mode !== undefined) await chmod(data, mode);
    if (sizeOf(options) > 0) await this.#limit(name, sizeOf(options));
  }

  /** Rejects `invalid` in Docker's words if the file system keeps no quotas of projects; nothing is left then. */
  async #limit(name: string, bytes: number): Promise<void> {
    try {
      await this.#deps.executor.run([quotaOp(this.mountpoint(name), bytes)], never);
    } catch (error) {
      await this.remove(name);
      if (!(error instanceof PlanError) || !noQuotas.has(error.code)) throw error;
      throw invalid(`create ${name}: quota size requested but no quota support`, { cause: error });
    }
  }

  async get(name: string): Promise<DriverVolume | undefined> {
    const record = this.#deps.store.find(name);
    return record && { name, mountpoint: this.mountpoint(name), createdAt: record.createdAt };
  }

  async list(): Promise<readonly DriverVolume[]> {
    return this.#deps.store
      .list()
      .filter(isLocal)
      .map(({ name, createdAt }) => ({ name, createdAt, mountpoint: this.mountpoint(name) }));
  }

  async remove(name: string): Promise<void> {
    const path = join(this.#deps.directory, name);
    const remove: Op = { op: "removeTree", why: `volume ${name}`, path, missingOk: true };
    const data = join(path, "_data");
    const forgetLimit: Op = { ...quotaOp(data, 0), mayFail: true };
    await this.#deps.executor.run([unmountOp(data), forgetLimit, remove], never);
  }

  /** A volume with a device is mounted for its first user; a mount that an earlier daemon left counts. */
  async mount(name: string): Promise<string> {
    const target = this.mountpoint(name);
    const device = this.#deviceOf(name);
    if (device === undefined || (await mountedPaths()).has(target)) return target;
    try {
      const plan = await planDeviceMount({ name, target }, device, this.#deps.lookUp);
      await this.#deps.executor.run(plan, never);
    } catch (error) {
      await this.#deps.executor.run([unmountOp(target)], never); // the second step of two may have failed
      throw describeFailure(error, device, target);
    }
    return target;
  }

  async unmount(name: string, _user: string, last: boolean): Promise<void> {
    if (!last || this.#deviceOf(name) === undefined) return;
    await this.#deps.executor.run([unmountOp(this.mountpoint(name))], never);
  }

  /** Names of volumes that are mounted: for users of an earlier daemon, who may be gone. */
  async mounted(): Promise<readonly string[]> {
    const devices = this.#deps.store.list().filter(({ name }) => this.#deviceOf(name) !== undefined);
    if (devices.length === 0) return [];
    const paths = await mountedPaths();
    return devices.map(({ name }) => name).filter((name) => paths.has(this.mountpoint(name)));
  }

  /** Names of directories that no volume has: a crash came between them and their row. */
  async strays(): Promise<readonly string[]> {
    const entries = await readdir(this.#deps.directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && this.#deps.store.find(entry.name) === undefined)
      .map(({ name }) => name);
  }

  #deviceOf(name: string): VolumeDevice | undefined {
    return deviceOf(this.#deps.store.find(name)?.options ?? {});
  }
}

/** mkdir's mode goes through the umask. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}

async function mountedPaths(): Promise<ReadonlySet<string>> {
  const table = parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
  return new Set(table.map(({ mountPoint }) => mountPoint));
}

const unmountOp = (target: string): Op => ({
  op: "umount",
  why: "volume",
  target,
  flags: MNT_DETACH,
  mayFail: true,
});

const noQuotas = new Set(["ESRCH", "ENOSYS", "EOPNOTSUPP", "ENOTTY", "EINVAL", "EPERM"]);

/** The project's number comes from the path, so that no two volumes of the machine share one, but by a chance of 1 in 2^30. */
function quotaOp(path: string, bytes: number): Op {
  const digest = createHash("sha256").update(path).digest();
  const project = (digest.readUInt32LE() & 0x3fff_ffff) | 0x4000_0000;
  return { op: "projectQuota", why: "size of the volume", path, project, bytes };
}

function describeFailure(error: unknown, device: VolumeDevice, target: string): Error {
  if (!(error instanceof PlanError)) return error instanceof Error ? error : systemError(String(error));
  return systemError(describeMountFailure(device, target, wordsOf(error.code)), { cause: error });
}
