// Tasks over shims. Tasks do not wait for each other; a new one waits for its predecessor of the same name to be cleaned up.

import { isAbsolute, join } from "node:path";
import type { Duplex } from "node:stream";
import type { AttachOptions, Shim, ShimCreate, Shims } from "#shim/shim.ts";
import type { Resources, Spec } from "#spec/oci-runtime.ts";
import type { ContainerRecords } from "../containers/containers.ts";
import type { TaskEvent } from "../events/messages.ts";
import { alreadyExists, failedPrecondition, missing, notImplemented } from "../failures.ts";
import { checkIdentifier } from "../identifiers.ts";
import type { Scope } from "../scope.ts";
import { restoreTasks } from "./restore.ts";
import { readSpec } from "./spec-document.ts";
import { Task, type TaskDeps } from "./task.ts";
import type { TaskIdentity } from "./task-exits.ts";
import { TaskFiles, type TaskRecord } from "./task-files.ts";
import { makeLogFiles, parseTaskIo } from "./task-io.ts";
import type { ExecCreate, ExplainedOp, TaskCreate, TaskExit, TaskProcess, Tasks } from "./tasks.ts";
import type { TaskUsage } from "./usage.ts";

type ProcessName = Parameters<Tasks["kill"]>[1];

/** What is asked of cgroups and of the compiler of plans; absent ones make their verb unsupported. */
export interface TaskReaders {
  /** Resource usage of the container with this spec. */
  readonly metrics?: (spec: Spec) => Promise<TaskUsage>;
  /** Whether the kernel has killed a process of it for memory. */
  readonly oomKilled?: (spec: Spec) => Promise<boolean>;
  readonly explain?: (request: ShimCreate) => readonly ExplainedOp[] | Promise<readonly ExplainedOp[]>;
}

export interface LocalTasksDeps {
  readonly execRoot: string;
  readonly shims: Shims;
  readonly containers: ContainerRecords;
  readonly readers: TaskReaders;
  readonly emit: (scope: Scope, event: TaskEvent) => void;
  readonly now: () => number;
  readonly warn: (message: string) => void;
  /** Milliseconds after which a shim counts as one that does not answer. */
  readonly patience?: number;
}

const defaultPatience = 5000;

export class LocalTasks implements Tasks, AsyncDisposable {
  readonly #deps: LocalTasksDeps;
  readonly #taskDeps: TaskDeps;
  readonly #files: TaskFiles;
  readonly #lifetime = new AbortController();
  readonly #tasks = new Map<string, Task>();
  /** Names taken by tasks that are being made. */
  readonly #making = new Set<string>();
  /** Clean-ups under way, by directory. */
  readonly #cleaning = new Map<string, Promise<void>>();

  constructor(deps: LocalTasksDeps) {
    this.#deps = deps;
    this.#files = new TaskFiles(deps.execRoot);
    const { shims, emit, now, readers, warn, patience = defaultPatience } = deps;
    this.#taskDeps = {
      shims,
      emit,
      now,
      warn,
      patience,
      files: this.#files,
      oomKilled: async ({ spec }) => (await readers.oomKilled?.(spec)) ?? false,
      signal: this.#lifetime.signal,
    };
  }

  /** Takes over what an earlier daemon left. Exits that happened meanwhile are announced once the caller could subscribe. */
  async restore(): Promise<void> {
    const restored = await restoreTasks(this.#taskDeps);
    for (const task of restored) this.#tasks.set(task.identity.directory, task);
    setImmediate(() => {
      for (const task of restored) if (task.init.exit !== undefined) task.announceExit();
    });
  }

  async create(scope: Scope, create: TaskCreate, signal: AbortSignal): Promise<{ readonly pid: number }> {
    const id = create.containerId;
    checkIdentifier("namespace validation: ", scope.namespace);
    checkIdentifier("", id);
    const io = parseTaskIo(create.io);
    const directory = this.#files.directory(scope.namespace, id);
    if (this.#tasks.has(directory) || this.#making.has(directory)) throw alreadyExists(`task ${id}`);
    this.#making.add(directory);
    try {
      const spec = rootedAt(directory, await this.#specOf(scope, create));
      const runtime = create.runtime === undefined ? {} : { runtime: create.runtime };
      const record = { spec, rootfs: create.rootfs, io: create.io, ...runtime };
      await this.#vacate(id, directory, spec);
      this.#files.make(scope.namespace, id, record);
      makeLogFiles(create.io);
      const identity: TaskIdentity = { scope: { namespace: scope.namespace }, id, directory };
      const checkpoint = create.checkpoint === undefined ? {} : { checkpoint: create.checkpoint };
      const request = { ...record, ...checkpoint, id, stateDir: directory, io };
      return this.#register(identity, record, await this.#createShim(request, signal));
    } finally {
      this.#making.delete(directory);
    }
  }

  async start(scope: Scope, containerId: string, execId: string, signal: AbortSignal) {
    return this.#get(scope, containerId).start(execId, signal);
  }

  async get(scope: Scope, containerId: string, execId: string): Promise<TaskProcess> {
    const task = this.#get(scope, containerId);
    return task.describe(task.get(execId));
  }

  async list(scope: Scope): Promise<readonly TaskProcess[]> {
    return [...this.#tasks.values()]
      .filter(({ identity }) => identity.scope.namespace === scope.namespace)
      .map((task) => task.describe(task.init));
  }

  async exec(scope: Scope, exec: ExecCreate): Promise<void> {
    checkIdentifier("", exec.execId);
    parseTaskIo(exec.io);
    makeLogFiles(exec.io);
    this.#get(scope, exec.containerId).addExec(exec);
  }

  async kill(
    scope: Scope,
    { containerId, execId }: ProcessName,
    signal: number,
    all: boolean,
  ): Promise<void> {
    await this.#get(scope, containerId).kill(execId, signal, all);
  }

  async wait(scope: Scope, containerId: string, execId: string, signal: AbortSignal): Promise<TaskExit> {
    const task = this.#get(scope, containerId);
    const stopped = AbortSignal.any([signal, this.#lifetime.signal]);
    if (execId !== "" && task.known !== undefined) await raceAbort(task.known, stopped);
    return raceAbort(task.follow(execId).ended, stopped);
  }

  async delete(scope: Scope, containerId: string, execId: string): Promise<TaskExit> {
    const task = this.#get(scope, containerId);
    if (execId !== "") return task.deleteExec(execId);
    const exit = await task.stop();
    const { directory } = task.identity;
    if (this.#tasks.get(directory) !== task) throw missing(`task ${containerId}`);
    this.#tasks.delete(directory);
    this.#cleanUp(task);
    const { pid } = task.init;
    this.#deps.emit(scope, { topic: "/tasks/delete", containerId, id: containerId, pid, ...exit });
    return exit;
  }

  async resizePty(
    scope: Scope,
    { containerId, execId }: ProcessName,
    size: { readonly rows: number; readonly cols: number },
  ): Promise<void> {
    await this.#get(scope, containerId).resizePty(execId, size);
  }

  async closeStdin(scope: Scope, containerId: string, execId: string): Promise<void> {
    await this.#get(scope, containerId).closeStdin(execId);
  }

  async pids(scope: Scope, containerId: string): Promise<readonly number[]> {
    return this.#get(scope, containerId).shim.pids();
  }

  async pause(scope: Scope, containerId: string): Promise<void> {
    await this.#get(scope, containerId).pause();
  }

  async resume(scope: Scope, containerId: string): Promise<void> {
    await this.#get(scope, containerId).resume();
  }

  async update(scope: Scope, containerId: string, resources: Resources): Promise<void> {
    await this.#get(scope, containerId).shim.update(resources);
  }

  async checkpoint(
    scope: Scope,
    containerId: string,
    wanted: Parameters<Tasks["checkpoint"]>[2],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#get(scope, containerId).checkpoint(wanted, signal);
  }

  async metrics(scope: Scope, containerId: string): Promise<TaskUsage> {
    const { metrics } = this.#deps.readers;
    if (metrics === undefined) throw notImplemented("metrics");
    return metrics(this.#get(scope, containerId).record.spec);
  }

  async attach(
    scope: Scope,
    { containerId, execId }: ProcessName,
    options: AttachOptions,
    signal: AbortSignal,
  ): Promise<Duplex> {
    const task = this.#get(scope, containerId);
    const early = execId !== "" && task.follow(execId).status === "created";
    return task.shim.attach(execId, { ...options, early }, signal);
  }

  async explain(scope: Scope, create: TaskCreate): Promise<readonly ExplainedOp[]> {
    const { explain } = this.#deps.readers;
    if (explain === undefined) throw notImplemented("explain");
    const id = create.containerId;
    const stateDir = this.#files.directory(scope.namespace, id);
    const spec = rootedAt(stateDir, await this.#specOf(scope, create));
    const { rootfs, runtime } = create;
    const io = parseTaskIo(create.io);
    return explain({ id, stateDir, spec, rootfs, io, ...(runtime !== undefined && { runtime }) });
  }

  /** Containers go on; clean-ups under way are finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#cleaning.values());
    this.#lifetime.abort();
    await Promise.all([...this.#tasks.values()].map((task) => task.release()));
  }

  #get({ namespace }: Scope, id: string): Task {
    const task = this.#tasks.get(this.#files.directory(namespace, id));
    if (task === undefined) throw missing(`task ${id} not found`);
    return task;
  }

  async #specOf(scope: Scope, { spec, containerId }: TaskCreate): Promise<Spec> {
    if (spec !== undefined) return spec;
    const container = await this.#deps.containers.get(scope, containerId);
    if (container.spec === undefined) throw failedPrecondition(`container ${containerId} has no spec`);
    return readSpec(container.spec);
  }

  #register(identity: TaskIdentity, record: TaskRecord, shim: Shim): { readonly pid: number } {
    const { scope, id, directory } = identity;
    const task = new Task(this.#taskDeps, identity, record, shim);
    this.#tasks.set(directory, task);
    const { rootfs, io } = record;
    const pid = shim.initPid;
    this.#deps.emit(scope, { topic: "/tasks/create", containerId: id, bundle: directory, rootfs, io, pid });
    task.watch();
    return { pid };
  }

  /** Waits for a predecessor's clean-up, and repeats it if it failed. */
  async #vacate(id: string, directory: string, spec: Spec): Promise<void> {
    await this.#cleaning.get(directory);
    if (!this.#files.exists(directory)) return;
    await this.#deps.shims.clean(id, directory, spec);
    this.#files.remove(directory);
  }

  async #createShim(request: ShimCreate, signal: AbortSignal) {
    try {
      return await this.#deps.shims.create(request, signal);
    } catch (error) {
      this.#files.remove(request.stateDir);
      throw error;
    }
  }

  /** What cannot be cleaned now is found and cleaned by the next task of this name, or the next start. */
  #cleanUp(task: Task): void {
    const { directory } = task.identity;
    const cleaning = task
      .clean()
      .catch((error: unknown) =>
        this.#deps.warn(`container ${task.identity.id}: its task is not cleaned: ${String(error)}`),
      )
      .finally(() => this.#cleaning.delete(directory));
    this.#cleaning.set(directory, cleaning);
  }
}

/** A relative root is in the task's directory: the bundle of a runtime's terms. */
function rootedAt(directory: string, spec: Spec): Spec {
  const { root } = spec;
  if (root === undefined || isAbsolute(root.path)) return spec;
  return { ...spec, root: { ...root, path: join(directory, root.path) } };
}

function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
