// Local volumes: directories below the data root, some with a file system mounted on them while containers use them.

import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, formatTime } from "#base/clock.ts";
import { openDatabase } from "#base/database.ts";
import { conflict, EngineError, systemError } from "#base/errors.ts";
import { Lock } from "#base/lock.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { checkLocalOptions, parseVolumeMount, type VolumeMount } from "./local-options.ts";
import { populateVolume, type VolumeContent } from "./populate.ts";
import { type VolumeRecord, VolumeStore, volumeSchema } from "./store.ts";
import { checkVolumeName } from "./volume-name.ts";

export interface VolumeDeps {
  readonly executor: Pick<Executor, "run">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  /** Ids of the containers, running or not, that refer to the volume. */
  readonly usersOf: (volume: string) => readonly string[];
}

export interface VolumeRequest {
  /** "" makes an anonymous one. */
  readonly name: string;
  /** "" is "local". */
  readonly driver: string;
  /** null: not given, which inspect tells from an empty list. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
}

export interface Volume extends VolumeRecord {
  readonly driver: "local";
  /** Where its data is on the host. */
  readonly mountpoint: string;
}

/** Docker's mark of volumes that nobody named. */
const ANONYMOUS_LABEL = "com.docker.volume.anonymous";
const MNT_DETACH = 2;

const never = new AbortController().signal;

export class LocalVolumes implements Disposable {
  readonly #deps: VolumeDeps;
  readonly #directory: string;
  readonly #store: VolumeStore;
  readonly #database: DatabaseSync;
  /** Under way: a volume of the same name is made after them. */
  readonly #removals = new Map<string, Promise<void>>();
  /** Containers for which a volume is mounted, by volume. */
  readonly #mounts = new Map<string, Set<string>>();
  /** Mounting and removing wait for each other; plain volumes do not mount. */
  readonly #lock = new Lock();

  private constructor(deps: VolumeDeps, directory: string, database: DatabaseSync) {
    this.#deps = deps;
    this.#directory = directory;
    this.#database = database;
    this.#store = new VolumeStore(database);
  }

  /** Finishes removals that a crash cut off. */
  static async open(deps: VolumeDeps, dataRoot: string): Promise<LocalVolumes> {
    const directory = join(dataRoot, "volumes");
    await makeDirectory(directory, 0o701);
    using undo = new DisposableStack();
    const database = openDatabase(join(directory, "metadata.db"), volumeSchema);
    undo.defer(() => database.close());
    const volumes = new LocalVolumes(deps, directory, database);
    for (const name of volumes.#store.halfRemoved) await volumes.#removeData(name);
    undo.move();
    return volumes;
  }

  list(): readonly Volume[] {
    return this.#store.list().map((record) => this.#describe(record));
  }

  get(name: string): Volume {
    const record = this.#store.find(name);
    if (record === undefined) throw volumeMissing(name);
    return this.#describe(record);
  }

  /** The existing one if the name is taken. */
  async create(request: VolumeRequest, signal: AbortSignal): Promise<Volume> {
    signal.throwIfAborted();
    const name = request.name === "" ? randomBytes(32).toString("hex") : request.name;
    if (request.driver !== "" && request.driver !== "local")
      throw new EngineError(
        "notFound",
        `create ${name}: error looking up volume plugin ${request.driver}: plugin "${request.driver}" not found`,
      );
    await this.#removals.get(name);
    const volume = this.#describe(this.#store.find(name) ?? this.#add(name, request));
    await makeDirectory(join(this.#directory, name), 0o701);
    await mkdir(volume.mountpoint, { recursive: true, mode: 0o755 });
    this.#publish(name, "create", {});
    return volume;
  }

  #add(name: string, request: VolumeRequest): VolumeRecord {
    checkVolumeName(name);
    checkLocalOptions(name, request.options ?? {});
    const anonymous = request.name === "";
    const labels = anonymous ? { ...request.labels, [ANONYMOUS_LABEL]: "" } : request.labels;
    const record = {
      name,
      createdAt: formatTime((this.#deps.clock.now() / 1_000_000_000n) * 1_000_000_000n),
      anonymous,
      labels,
      options: request.options,
    };
    this.#store.add(record);
    return record;
  }

  /** For a container that starts. A volume with a device is mounted for its first container. */
  async mount(name: string, containerId: string): Promise<void> {
    const volume = this.get(name);
    const users = this.#mounts.get(name) ?? new Set();
    this.#mounts.set(name, users);
    users.add(containerId);
    const device = parseVolumeMount(volume.options ?? {});
    if (device === undefined) return;
    using _held = await this.#lock.acquire();
    if (await isMounted(volume.mountpoint)) return;
    try {
      await this.#deps.executor.run(planMount(volume, device), never);
    } catch (error) {
      users.delete(containerId);
      throw systemError(
        `error while mounting volume '${volume.mountpoint}': failed to mount local volume: ${String(error)}`,
        { cause: error },
      );
    }
  }

  /** Idempotent. */
  async unmount(name: string, containerId: string): Promise<void> {
    const users = this.#mounts.get(name);
    users?.delete(containerId);
    if (users !== undefined && users.size > 0) return;
    this.#mounts.delete(name);
    const record = this.#store.find(name);
    if (record === undefined || parseVolumeMount(record.options ?? {}) === undefined) return;
    using _held = await this.#lock.acquire();
    if (this.#mounts.has(name)) return; // somebody mounted it while we waited
    await this.#deps.executor.run([unmountOp(this.#describe(record).mountpoint)], never);
  }

  async populate(name: string, from: Omit<VolumeContent, "mountpoint">, signal: AbortSignal): Promise<void> {
    const { mountpoint, options } = this.get(name);
    if (parseVolumeMount(options ?? {}) !== undefined) return; // nothing is mounted yet
    await populateVolume(this.#deps.executor, { ...from, mountpoint }, signal);
  }

  /** Rejects `conflict` while a container refers to it. After a failure it can be tried again. */
  async remove(name: string): Promise<void> {
    this.get(name);
    const users = this.usersOf(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    const cancel = this.#store.startRemoval(name);
    const removal = this.#removeData(name);
    this.#removals.set(name, removal);
    try {
      await removal;
    } catch (error) {
      cancel();
      throw error;
    } finally {
      this.#removals.delete(name);
    }
    this.#publish(name, "destroy", {});
  }

  /** Ids of the containers that refer to it. */
  usersOf(name: string): readonly string[] {
    return this.#deps.usersOf(name);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  async #removeData(name: string): Promise<void> {
    using _held = await this.#lock.acquire();
    const path = join(this.#directory, name);
    const plan: Plan = [
      unmountOp(join(path, "_data")),
      { op: "removeTree", why: `volume ${name}`, path, missingOk: true },
    ];
    await this.#deps.executor.run(plan, never);
    this.#store.forget(name);
  }

  #describe(record: VolumeRecord): Volume {
    return { ...record, driver: "local", mountpoint: join(this.#directory, record.name, "_data") };
  }

  #publish(name: string, action: string, attributes: Readonly<Record<string, string>>): void {
    this.#deps.events.publish({
      type: "volume",
      action,
      actorId: name,
      attributes: { driver: "local", ...attributes },
    });
  }
}

const volumeMissing = (name: string): EngineError =>
  new EngineError("notFound", `get ${name}: no such volume`);

/** mkdir's mode goes through the umask. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}

/** A mount left by an earlier daemon counts. */
async function isMounted(path: string): Promise<boolean> {
  const escaped = path.replace(
    /[\s\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8");
  return mountinfo.split("\n").some((line) => line.split(" ")[4] === escaped);
}

const planMount = (volume: Volume, device: VolumeMount): Plan => [
  {
    op: "mount",
    why: `volume ${volume.name}`,
    fstype: device.fstype,
    source: device.device,
    target: volume.mountpoint,
    flags: device.flags,
    data: device.data,
  },
];

const unmountOp = (target: string): Plan[number] => ({
  op: "umount",
  why: "volume",
  target,
  flags: MNT_DETACH,
  mayFail: true,
});
