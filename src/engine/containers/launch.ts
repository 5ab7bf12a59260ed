// Launches a container: network beside preparation, then the task. Whatever fails, everything made so far is taken back.

import { lchown, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, formatTime } from "#base/clock.ts";
import { EngineError, prefixed } from "#base/errors.ts";
import { joinAll } from "#base/join.ts";
import type { ContainerRecords } from "#containerd/containers/containers.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { TaskCreate, Tasks } from "#containerd/tasks/tasks.ts";
import type { NetworkController, Sandbox } from "#network/controller.ts";
import { idMapOptions, rootOf } from "#spec/id-maps.ts";
import type { Mount, Seccomp, Spec } from "#spec/oci-runtime.ts";
import { defaultCdiDirectories, findRequested, type Injection, inject } from "./device-requests.ts";
import type { EtcDirectory } from "./etc-directory.ts";
import { findDevices, type HostDevices } from "./host-devices.ts";
import type { HostFacts } from "./host-facts.ts";
import { planUserNamespace } from "./id-maps.ts";
import { linkEnvironment } from "./links.ts";
import type { ContainerVolumes } from "./mounts.ts";
import { type NetworkPlan, planNetwork, planPidNamespace } from "./network-plan.ts";
import { buildSpec } from "./oci-spec.ts";
import { overlayOption } from "./overlay-option.ts";
import { checkPropagation } from "./propagation.ts";
import { type ContainerRecord, hasStarted, type MountPoint } from "./record.ts";
import { ignoreMissing } from "./release.ts";
import { containerdRuntime, namedRuntime } from "./runtimes.ts";
import { scope } from "./scope.ts";
import { mountsOfSecrets, type SecretDeps } from "./secrets/kept-secrets.ts";
import { mountSharedMemory, planIpc, releaseSharedMemory, type SharedMemoryDeps } from "./shared-memory.ts";
import { SIGKILL } from "./signals.ts";
import { stageMounts } from "./staged-mounts.ts";
import type { Container, ContainerStore } from "./store.ts";
import { containerIo } from "./task-io.ts";
import { type ContainerUser, resolveUser } from "./user.ts";
import type { UserFileReader } from "./user-files.ts";

export interface LaunchDeps extends SharedMemoryDeps, SecretDeps {
  readonly containers: Pick<ContainerStore, "find" | "get" | "saveState">;
  readonly snapshots: Pick<Snapshotter, "mounts" | "name">;
  readonly records: Pick<ContainerRecords, "create" | "delete">;
  readonly tasks: Pick<Tasks, "create" | "start" | "kill" | "delete">;
  readonly networks: Pick<NetworkController, "open" | "openOwned" | "attach" | "detach" | "find">;
  readonly volumes: Pick<ContainerVolumes, "mount" | "unmount">;
  readonly etc: Pick<EtcDirectory, "write" | "writeHosts" | "names">;
  readonly userFiles: Pick<UserFileReader, "read">;
  readonly seccomp: (profile: string, capabilities: readonly string[]) => Seccomp;
  readonly clock: Clock;
  readonly host: HostFacts;
}

export type Checkpoint = NonNullable<TaskCreate["checkpoint"]>;

/** A launch in progress: `undo` takes back what was made. */
interface Launch {
  readonly container: Container;
  readonly network: NetworkPlan;
  readonly undo: AsyncDisposableStack;
}

/**
 * Resolves once the container's process runs and its state says so. `checkpoint`: what it goes on from.
 *
 *   namespace ─┬─ interfaces, addresses, ports, hosts ─┬─ start
 *   root ──────┴─ task: mounts, cgroup, first process ─┘
 */
export async function launch(
  deps: LaunchDeps,
  container: Container,
  signal: AbortSignal,
  checkpoint?: Checkpoint,
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const network = planNetwork(deps.containers, container.record);
  const links = linkEnvironment(deps.containers, container.record);
  const ipc = planIpc(deps.containers, container.record, deps.containersDir);
  const context: Launch = { container, network, undo };
  const [prepared, namespaces] = await joinAll([
    prepareRoot(deps, context, signal),
    openNamespace(deps, context, signal),
  ]);
  await using staged = await stageMounts(deps, { ...container.record, mounts: prepared.mounts }, signal);
  const mounts = [
    ...(await checkPropagation(staged.mounts)),
    ...(await mountsOfSecrets(deps, container.record)),
  ];
  const plain = buildSpec({
    ...prepared,
    record: { ...container.record, mounts },
    host: deps.host,
    ipc,
    links,
    pidns: planPidNamespace(deps.containers, container.record),
    netns: namespaces.network,
    userns: namespaces.user,
    etcDir: etcDirectory(deps, context),
    seccomp: deps.seccomp,
  });
  const spec = inject(plain, prepared.injection);
  const rootfs = mapRootfs(prepared.rootfs, container.record);
  const [sandbox] = await joinAll([
    connect(deps, context, signal),
    createTask(deps, context, { spec, rootfs, ...(checkpoint && { checkpoint }) }, signal),
  ]);
  await connectAttaches(container);
  const { pid } = await deps.tasks.start(scope, container.id, "", signal);
  deps.containers.saveState(container, {
    status: "running",
    pid,
    exitCode: 0,
    error: "",
    oomKilled: false,
    startedAt: formatTime(deps.clock.now()),
    manuallyStopped: false,
    network: sandbox === undefined ? null : { sandbox },
    health: null,
  });
  container.user = prepared.user;
  undo.move(); // success: keep everything
}

/** Paths of the network namespace to join, "" is the host's, and of its owner, unless the container has the machine's user namespace. */
async function openNamespace(
  deps: LaunchDeps,
  { container, network, undo }: Launch,
  signal: AbortSignal,
): Promise<{ readonly network: string; readonly user?: string }> {
  if (network.kind === "host") return { network: "" };
  const owner = planUserNamespace(deps.containers, container.record);
  if (network.kind === "join")
    return { network: network.path, ...(owner !== undefined && "path" in owner && { user: owner.path }) };
  const { sandboxId } = network.request;
  undo.defer(() => deps.networks.detach(sandboxId));
  if (owner !== undefined) return deps.networks.openOwned(sandboxId, owner, signal);
  return { network: await deps.networks.open(sandboxId, signal) };
}

/** The container's address is known then, and in its hosts file. */
async function connect(
  deps: LaunchDeps,
  { container, network }: Launch,
  signal: AbortSignal,
): Promise<Sandbox | undefined> {
  if (network.kind !== "own") return undefined;
  try {
    const request = { ...network.request, dns: deps.etc.names(container.record) };
    const sandbox = await deps.networks.attach(request, signal);
    await deps.etc.writeHosts(join(deps.containersDir, container.id), container.record, sandbox.endpoints);
    return sandbox;
  } catch (error) {
    throw describeNetworkFailure(error);
  }
}

const describeNetworkFailure = (error: unknown): unknown =>
  error instanceof EngineError ? prefixed("failed to set up container networking: ", error) : error;

interface Prepared {
  readonly rootfs: readonly Mount[];
  readonly user: ContainerUser;
  readonly devices: HostDevices;
  readonly injection: Injection;
  /** With the places where volumes are mounted. */
  readonly mounts: readonly MountPoint[];
}

async function prepareRoot(
  deps: LaunchDeps,
  { container, undo }: Launch,
  signal: AbortSignal,
): Promise<Prepared> {
  const { record } = container;
  undo.defer(() => releaseSharedMemory(deps, record));
  const [rootfs, devices, injection, mounts] = await joinAll([
    findRootfs(deps, container),
    findDevices(record.hostConfig),
    findRequested(record.hostConfig.DeviceRequests ?? [], deps.host.cdiDirectories ?? defaultCdiDirectories),
    mountVolumes(deps, container, undo),
    mountSharedMemory(deps, record, signal),
    deps.etc.write(join(deps.containersDir, record.id), record),
  ]);
  const user = await lookUpUser(deps, container, rootfs, signal);
  return { rootfs, devices, injection, mounts, user };
}

/** The container's user namespace shows the files, which on the disk belong to whom the image says. */
const mapRootfs = (mounts: readonly Mount[], { idMaps }: ContainerRecord): readonly Mount[] =>
  idMaps === undefined
    ? mounts
    : mounts.map((mount) => ({ ...mount, options: [...(mount.options ?? []), ...idMapOptions(idMaps)] }));

/** What a container that removes itself writes need never reach the disk: unmounting then does not wait for it. */
async function findRootfs(deps: LaunchDeps, { id, record, state }: Container): Promise<readonly Mount[]> {
  const mounts = await deps.snapshots.mounts(scope, id);
  const [mount] = mounts;
  const work = mount === undefined ? undefined : overlayOption(mount, "workdir");
  if (!record.hostConfig.AutoRemove || mount === undefined || work === undefined) return mounts;
  // overlayfs refuses a directory that was mounted volatile before, lest half-written files be trusted after a crash.
  if (hasStarted(state)) await rm(join(work, "work", "incompat"), { recursive: true, force: true });
  return [{ ...mount, options: [...(mount.options ?? []), "volatile"] }];
}

async function mountVolumes(
  deps: LaunchDeps,
  container: Container,
  undo: AsyncDisposableStack,
): Promise<readonly MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const mount of container.record.mounts) {
    if (mount.type === "bind" && mount.createSource) await makeSource(mount.source, container.record);
    if (mount.type !== "volume") {
      mounts.push(mount);
      continue;
    }
    undo.defer(() => deps.volumes.unmount(mount.name, container.id));
    mounts.push({ ...mount, source: await deps.volumes.mount(mount.name, container.id) });
  }
  return mounts;
}

/** A missing source of -v becomes a directory, of the container's root. */
async function makeSource(path: string, { idMaps }: ContainerRecord): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST"; // as something else
    if (!isThere) throw error;
    return undefined;
  });
  if (first === undefined || idMaps === undefined) return;
  const [uid, gid] = [rootOf(idMaps.uids), rootOf(idMaps.gids)];
  for (let made = path; made.length >= first.length; made = dirname(made)) await lchown(made, uid, gid);
}

async function lookUpUser(
  deps: LaunchDeps,
  container: Container,
  mounts: readonly Mount[],
  signal: AbortSignal,
): Promise<ContainerUser> {
  const { record, state } = container;
  const target = join(deps.containersDir, record.id);
  const files = await deps.userFiles.read(
    { mounts, target, chainId: hasStarted(state) ? "" : record.chainId },
    signal,
  );
  return resolveUser(record.config.User, record.hostConfig.GroupAdd ?? [], files);
}

/** The directory whose files are mounted: a joined container's own. */
const etcDirectory = (deps: LaunchDeps, { container, network }: Launch): string =>
  join(deps.containersDir, network.kind === "join" ? network.donor : container.id);

async function createTask(
  deps: LaunchDeps,
  { container, undo }: Launch,
  task: Pick<TaskCreate, "rootfs" | "checkpoint"> & { readonly spec: Spec },
  signal: AbortSignal,
): Promise<void> {
  const { id, record } = container;
  undo.defer(async () => deps.records.delete(scope, id).catch(ignoreMissing));
  await deps.records.create(scope, {
    id,
    labels: {},
    image: record.imageName,
    runtime: { name: containerdRuntime(record.hostConfig.Runtime) },
    spec: {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
      value: Buffer.from(JSON.stringify(task.spec)),
    },
    snapshotter: deps.snapshots.name,
    snapshotKey: id,
    extensions: {},
  });
  const io = containerIo(record);
  await deps.tasks.create(
    scope,
    { ...task, ...namedRuntime(record.hostConfig.Runtime), containerId: id, io },
    signal,
  );
  undo.defer(async () => {
    await deps.tasks.kill(scope, { containerId: id, execId: "" }, SIGKILL, true).catch(ignoreMissing);
    await deps.tasks.delete(scope, id, "").catch(ignoreMissing);
  });
}

/** A client that asked to be attached before the start misses nothing that is printed. */
export async function connectAttaches(container: Container): Promise<void> {
  const waiting = [...container.pendingAttaches];
  container.pendingAttaches.clear();
  await Promise.allSettled(waiting.map((attach) => attach.connect()));
}
