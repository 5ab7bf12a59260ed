// Puts the verbs of containers together: each asks for little, this object has it all.

import { totalmem } from "node:os";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Background } from "#base/background.ts";
import type { Clock } from "#base/clock.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { TreeRemover } from "#kernel/plan/tree-remover.ts";
import type { NetworkController } from "#network/controller.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import type { DirectorySizes } from "../disk/directory-sizes.ts";
import { Execs } from "../exec/execs.ts";
import type { StartExecDeps } from "../exec/start.ts";
import type { AttachDeps } from "./attach.ts";
import { ContainerLogs } from "./container-logs.ts";
import type { CreateDeps } from "./create.ts";
import type { ContainerDefaults } from "./defaults.ts";
import { EtcDirectory, type EtcSettings } from "./etc-directory.ts";
import { type ExitDeps, ExitWatcher } from "./exits.ts";
import { HealthMonitor } from "./health.ts";
import type { HostFacts } from "./host-facts.ts";
import type { UserNamespaces } from "./id-maps.ts";
import type { InspectDeps } from "./inspect.ts";
import type { KillDeps } from "./kill.ts";
import { linkHosts } from "./links.ts";
import type { ListDeps } from "./list.ts";
import { containerHistory } from "./logs.ts";
import type { ContainerVolumes } from "./mounts.ts";
import { OomWatch } from "./oom-watch.ts";
import type { ContainerImages } from "./plan-container.ts";
import { ContainerPruner } from "./prune.ts";
import { type RemoveDeps, removeHeld } from "./remove.ts";
import { type StartDeps, startHeld } from "./start.ts";
import { endUnhealthy } from "./stop.ts";
import { ContainerStore } from "./store.ts";
import { EncodedSummaries } from "./summary.ts";
import { UserFileReader } from "./user-files.ts";

export interface ContainersSettings {
  /** containers/<id> of the data root; exists. */
  readonly containersDir: string;
  /** Below the exec root; made when it is needed. */
  readonly secretsDir: string;
  readonly etc: EtcSettings;
  /** The daemon's --log-driver and --log-opt. */
  readonly defaults?: () => ContainerDefaults;
  readonly userNamespaces?: UserNamespaces;
  /** Seconds that a container gets to stop if it does not say. */
  readonly stopTimeout?: () => number;
  readonly defaultLog: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
}

/** What the layers around give. */
export interface ContainersParts {
  /** With the steps of `containerSchema`. */
  readonly database: DatabaseSync;
  readonly containerd: ContainerdServices;
  readonly networks: NetworkController;
  readonly volumes: ContainerVolumes;
  readonly images: ContainerImages;
  readonly executor: Executor;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly host: HostFacts;
  readonly seccomp: (profile: string, capabilities: readonly string[]) => Seccomp;
  readonly background: Background;
  /** Of what containers have written. */
  readonly sizes: DirectorySizes;
  /** Told of each health check. */
  readonly onProbe?: (succeeded: boolean) => void;
  /** Told of failures that no request waits for. */
  readonly report: (error: unknown) => void;
  /** Told of what goes wrong with a container's log and is nobody's fault here. */
  readonly warn: (message: string) => void;
}

/** Everything that the verbs of containers and execs ask for. */
export interface ContainersDeps
  extends Omit<CreateDeps, "snapshots" | "volumes">,
    Omit<StartDeps, "tasks" | "snapshots" | "networks" | "volumes">,
    Omit<ExitDeps, "tasks" | "networks" | "volumes">,
    Omit<RemoveDeps, "tasks" | "networks" | "volumes" | "snapshots" | "execs">,
    Omit<KillDeps, "tasks">,
    Omit<AttachDeps, "tasks">,
    Omit<InspectDeps, "snapshots" | "networks">,
    Omit<ListDeps, "snapshots" | "networks">,
    Omit<StartExecDeps, "tasks" | "snapshots"> {
  readonly etc: EtcDirectory;
  readonly userFiles: UserFileReader;
  readonly tasks: ContainerdServices["tasks"];
  readonly snapshots: ContainerdServices["snapshots"];
  readonly records: ContainerdServices["containers"];
  readonly networks: NetworkController;
  readonly volumes: ContainerVolumes;
  readonly report: (error: unknown) => void;
  readonly totalMemory: number;
  readonly pruner: ContainerPruner;
  readonly exits: ExitWatcher;
  readonly logs: ContainerLogs;
}

/** `signal`: the daemon's own; when it aborts, containers live on unwatched. */
export function wireContainers(
  parts: ContainersParts,
  settings: ContainersSettings,
  signal: AbortSignal,
): ContainersDeps {
  const { containerd, background } = parts;
  const containers = new ContainerStore(parts.database);
  const execs = new Execs();
  const oom = new OomWatch();
  const remover = new TreeRemover(parts.executor);
  background.run(() => untilAborted(oom.follow(containerd.events, signal), signal));
  const base = {
    ...parts,
    ...settings,
    dataRoot: dirname(settings.containersDir),
    containers,
    execs,
    summaries: new EncodedSummaries(),
    signal,
    tasks: containerd.tasks,
    snapshots: containerd.snapshots,
    records: containerd.containers,
    etc: new EtcDirectory(settings.etc, (record) => linkHosts(containers, record)),
    userFiles: new UserFileReader(parts.executor),
    totalMemory: totalmem(),
    removeTree: (path: string) => remover.remove(path),
    execIds: (id: string) => execs.idsOf(id),
    history: containerHistory,
    logs: new ContainerLogs(parts, signal),
    wasOomKilled: ({ id }: { readonly id: string }) => oom.take(id),
  };
  const autoRemove: StartDeps["autoRemove"] = (container) => removeHeld(base, container, { volumes: true });
  const health = new HealthMonitor(
    { ...base, onUnhealthy: (container) => endUnhealthy(base, container, signal) },
    signal,
  );
  const watchExit: StartDeps["watchExit"] = (container) => {
    exits.watch(container);
    health.watch(container);
  };
  const start: StartDeps = { ...base, autoRemove, watchExit };
  const exits = new ExitWatcher(
    { ...base, autoRemove, restart: (container, stop) => startHeld(start, container, stop) },
    signal,
  );
  return {
    ...start,
    ...base,
    restart: (container, stop) => startHeld(start, container, stop),
    exits,
    pruner: new ContainerPruner(base),
  };
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
