// GET /containers/{id}/json.

import { join } from "node:path";
import { isKind } from "#base/errors.ts";
import { storageDriverOf } from "#engine/disk/storage-driver.ts";
import type { NetworkController } from "#network/controller.ts";
import type { SecretFile } from "#spec/engine-api/secrets.ts";
import { unpackBindings, unpackExposed } from "#spec/port-ranges.ts";
import { describeNetworkSettings } from "./describe-network.ts";
import { configSupport, hostConfigSupport } from "./fields.table.ts";
import { describeLinks } from "./links.ts";
import { type MeasureDeps, measureContainer } from "./measure.ts";
import { networkName } from "./network-names.ts";
import { overlayOption } from "./overlay-option.ts";
import { hasStarted, isRunning, type MountPoint } from "./record.ts";
import { scope } from "./scope.ts";
import { parseSecurityOptions } from "./security-opt.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface InspectDeps extends MeasureDeps {
  readonly containers: ContainerStore;
  readonly networks: Pick<NetworkController, "find">;
  readonly containersDir: string;
  /** Ids of the execs that run in it. */
  readonly execIds: (containerId: string) => readonly string[];
}

export async function inspectContainer(
  deps: InspectDeps,
  reference: string,
  options: { readonly size: boolean; readonly minor: number },
): Promise<Readonly<Record<string, unknown>>> {
  const container = deps.containers.get(reference);
  const { record, state } = container;
  const directory = join(deps.containersDir, record.id);
  const execIds = deps.execIds(record.id);
  const size = options.size ? await measureContainer(deps, container) : {};
  const driver = storageDriverOf(deps.snapshots.name);
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: record.path,
    Args: record.args,
    State: describeState(container),
    Image: record.imageId,
    ...describeFiles(container, directory),
    // Others than json-file keep theirs to themselves.
    LogPath: record.hostConfig.LogConfig.Type === "json-file" && hasStarted(state) ? record.logPath : "",
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: driver,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: parseSecurityOptions(record.hostConfig.SecurityOpt).apparmor,
    ExecIDs: execIds.length === 0 ? null : execIds,
    HostConfig: describeHostConfig(deps, container, options.minor),
    GraphDriver: { Data: await describeLayers(deps, record.id), Name: driver },
    // dockerd tells one or the other; the directories are true for a snapshot, too.
    ...(options.minor >= 52 && { Storage: { RootFS: { Snapshot: { Name: driver } } } }),
    ...size,
    Mounts: record.mounts.map(describeMount),
    Config: describeConfig(container, options.minor),
    NetworkSettings: describeNetworkSettings(deps.networks, container, options.minor),
  };
}

/** A container that never started has none of the files. */
function describeFiles({ state }: Container, directory: string): Readonly<Record<string, string>> {
  const made = hasStarted(state);
  return {
    ResolvConfPath: made ? join(directory, "resolv.conf") : "",
    HostnamePath: made ? join(directory, "hostname") : "",
    HostsPath: made ? join(directory, "hosts") : "",
  };
}

function describeState({ state }: Container): Readonly<Record<string, unknown>> {
  return {
    Status: state.status,
    Running: isRunning(state),
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: state.status === "dead",
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(state.health !== null && {
      Health: {
        Status: state.health.status,
        FailingStreak: state.health.failingStreak,
        Log: state.health.log.map(({ start, end, exitCode, output }) => ({
          Start: start,
          End: end,
          ExitCode: exitCode,
          Output: output,
        })),
      },
    }),
  };
}

function describeHostConfig(
  { containers }: Pick<InspectDeps, "containers">,
  { record }: Container,
  minor: number,
): Readonly<Record<string, unknown>> {
  const { Annotations, KernelMemory: _kernel, KernelMemoryTCP: _tcp, ...hostConfig } = record.hostConfig;
  const fields = inOrder(hostConfigSupport, {
    ...hostConfig,
    PortBindings: hostConfig.PortBindings && unpackBindings(hostConfig.PortBindings),
    Links: describeLinks(containers, record),
    ...(Annotations !== undefined && minor >= 43 && { Annotations }),
    ...(minor < 42 && { KernelMemory: 0, KernelMemoryTCP: 0 }),
  });
  return record.secrets === undefined ? fields : { ...fields, Secrets: record.secrets.map(describeSecret) };
}

/** Without its data, which nobody is told. */
const describeSecret = ({ id, target, uid, gid, mode }: SecretFile): Fields => ({
  ID: id,
  Target: target,
  UID: uid,
  GID: gid,
  Mode: mode,
});

/** Fields that Go leaves out when they are zero are left out here too. */
function describeConfig({ record }: Container, minor: number): Readonly<Record<string, unknown>> {
  const { ExposedPorts, ArgsEscaped, NetworkDisabled, MacAddress: _own, OnBuild, ...config } = record.config;
  const MacAddress = minor < 52 ? record.networks[networkName(record)]?.MacAddress : "";
  return inOrder(configSupport, {
    ...config,
    Labels: config.Labels ?? {},
    ...(ExposedPorts !== undefined &&
      Object.keys(ExposedPorts).length > 0 && { ExposedPorts: unpackExposed(ExposedPorts) }),
    ...(ArgsEscaped === true && { ArgsEscaped }),
    ...(NetworkDisabled === true && { NetworkDisabled }),
    ...((minor < 52 || (OnBuild ?? []).length > 0) && { OnBuild }),
    ...(MacAddress && { MacAddress }),
  });
}

type Fields = Readonly<Record<string, unknown>>;

const inOrder = (order: Fields, values: Fields): Fields =>
  Object.fromEntries(
    Object.keys(order)
      .filter((key) => values[key] !== undefined)
      .map((key) => [key, values[key]]),
  );

export function describeMount(mount: MountPoint): Readonly<Record<string, unknown>> {
  return {
    Type: mount.type,
    ...(mount.name !== "" && { Name: mount.name }),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.driver !== "" && { Driver: mount.driver }),
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.propagation,
  };
}

async function describeLayers(
  deps: InspectDeps,
  id: string,
): Promise<Readonly<Record<string, string>> | null> {
  if (deps.snapshots.name === "native") return null;
  try {
    const [mount = { destination: "" }] = await deps.snapshots.mounts(scope, id);
    const upper = overlayOption(mount, "upperdir") ?? "";
    return {
      LowerDir: overlayOption(mount, "lowerdir") ?? "",
      MergedDir: join(upper, "..", "merged"),
      UpperDir: upper,
      WorkDir: overlayOption(mount, "workdir") ?? "",
    };
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    return null; // being removed
  }
}
