// Running containers. create (init stopped at its start point) -> start -> … -> exit -> delete.
// Standard streams are containerd's: FIFO paths, or "" for /dev/null. Gantry adds one URI, so that it also crosses gRPC
// unchanged: "gantry-attach:?log=PATH&max-size=N&max-files=N&attrs=JSON" as `stdout` asks the shim to keep the log and serve attach;
// `stdin` is then "gantry-attach:" or "gantry-attach:?once=1" if a stdin stream is wanted, and `stderr` "".

import type { Duplex } from "node:stream";
import type { AttachOptions, Checkpoint } from "#shim/shim.ts";
import type { Mount, Process, Resources, Spec } from "#spec/oci-runtime.ts";
import type { Scope } from "../scope.ts";
import type { TaskUsage } from "./usage.ts";

export interface TaskIo {
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TaskCreate {
  readonly containerId: string;
  readonly rootfs: readonly Mount[];
  readonly io: TaskIo;
  /** Given by dockerd, which has just compiled it; without it the container record's spec is used. */
  readonly spec?: Spec;
  /** The container record's runtime, if it is another than the default one. */
  readonly runtime?: string;
  /** What `checkpoint` has saved: the task goes on from there when it is started, and has no pid before. */
  readonly checkpoint?: Checkpoint;
}

export type TaskStatus = "created" | "running" | "stopped" | "paused" | "pausing" | "unknown";

export interface TaskProcess {
  readonly containerId: string;
  /** "" for the init. */
  readonly execId: string;
  readonly pid: number;
  readonly status: TaskStatus;
  readonly io: TaskIo;
  readonly exitCode: number;
  /** Milliseconds; 0 while running. */
  readonly exitedAt: number;
}

export interface TaskExit {
  readonly exitCode: number;
  readonly exitedAt: number;
}

export interface ExecCreate {
  readonly containerId: string;
  readonly execId: string;
  readonly process: Process;
  readonly io: TaskIo;
}

export interface Tasks {
  create(scope: Scope, task: TaskCreate, signal: AbortSignal): Promise<{ readonly pid: number }>;
  /** Starts the init, or the exec that `exec` registered. A command that cannot be executed rejects with PlanError's message. */
  start(
    scope: Scope,
    containerId: string,
    execId: string,
    signal: AbortSignal,
  ): Promise<{ readonly pid: number }>;
  get(scope: Scope, containerId: string, execId: string): Promise<TaskProcess>;
  list(scope: Scope): Promise<readonly TaskProcess[]>;
  exec(scope: Scope, exec: ExecCreate, signal: AbortSignal): Promise<void>;
  kill(
    scope: Scope,
    process: { readonly containerId: string; readonly execId: string },
    signalNumber: number,
    all: boolean,
  ): Promise<void>;
  wait(scope: Scope, containerId: string, execId: string, signal: AbortSignal): Promise<TaskExit>;
  /** Removes a stopped task (and its shim and state) or exec. Rejects `conflict` while it runs. */
  delete(scope: Scope, containerId: string, execId: string): Promise<TaskExit>;
  resizePty(
    scope: Scope,
    process: { readonly containerId: string; readonly execId: string },
    size: { readonly rows: number; readonly cols: number },
  ): Promise<void>;
  closeStdin(scope: Scope, containerId: string, execId: string): Promise<void>;
  pids(scope: Scope, containerId: string): Promise<readonly number[]>;
  pause(scope: Scope, containerId: string): Promise<void>;
  resume(scope: Scope, containerId: string): Promise<void>;
  update(scope: Scope, containerId: string, resources: Resources): Promise<void>;
  /** Saves a running task in folders of this host with criu. Unless it is left running, its processes are killed behind that. */
  checkpoint(
    scope: Scope,
    containerId: string,
    wanted: Checkpoint & { readonly leaveRunning: boolean },
    signal: AbortSignal,
  ): Promise<void>;
  metrics(scope: Scope, containerId: string): Promise<TaskUsage>;
  /** Gantry's own (gRPC service gantry.v1.Engine tells the socket; needs the same host). See Shim.attach for the stream. */
  attach(
    scope: Scope,
    process: { readonly containerId: string; readonly execId: string },
    options: AttachOptions,
    signal: AbortSignal,
  ): Promise<Duplex>;
  /** Gantry's own: the plan that `create` would run, as printable lines' data. */
  explain(scope: Scope, task: TaskCreate): Promise<readonly ExplainedOp[]>;
}

export interface ExplainedOp {
  readonly index: number;
  readonly host: boolean;
  readonly why: string;
  /** "mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, \"\")" */
  readonly call: string;
}
