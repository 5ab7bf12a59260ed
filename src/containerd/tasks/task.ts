// One task: the shim of a container and the processes it supervises.

import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, isKind } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { ProcessExit, Shim, Shims } from "#shim/shim.ts";
import type { TaskEvent } from "../events/messages.ts";
import { alreadyExists, failedPrecondition, missing } from "../failures.ts";
import { checkIdentifier } from "../identifiers.ts";
import { answerWithin } from "./patience.ts";
import { TaskProcessState } from "./process.ts";
import { type ExitDeps, TaskExits, type TaskIdentity } from "./task-exits.ts";
import type { TaskFiles, TaskMark, TaskRecord } from "./task-files.ts";
import { parseTaskIo } from "./task-io.ts";
import type { ExecCreate, TaskExit, TaskIo, TaskProcess } from "./tasks.ts";

export interface TaskDeps extends ExitDeps {
  readonly shims: Shims;
  readonly files: TaskFiles;
  /** How long a shim may take to answer what decides whether a container lives on, in milliseconds. */
  readonly patience: number;
}

/** Time for the init to end after its plan has failed, in milliseconds. */
const endTime = 1000;
const SIGKILL = 9;
const silent = (id: string): EngineError =>
  new EngineError("unavailable", `the shim of ${id} does not answer: unavailable`);
/** In the words, and with the code, of containerd's shim. */
const refused = (message: string): EngineError => new EngineError("system", message);
const unknownIo: TaskIo = { terminal: false, stdin: "", stdout: "", stderr: "" };

export class Task {
  readonly identity: TaskIdentity;
  readonly record: TaskRecord;
  readonly init: TaskProcessState;
  readonly #deps: TaskDeps;
  /** Of its own: each listener more on one signal takes longer to add. */
  readonly #released = new AbortController();
  #shim: Shim | undefined;
  /** Nobody listens for the end of a shim that could not even be connected to. */
  #unreachable = false;
  readonly #execs = new Map<string, TaskProcessState>();
  readonly #exits: TaskExits;

  #known: Promise<void> | undefined;
  /** An earlier daemon started it, and execs in it that only the shim knows. */
  #adopted = false;

  /** `shim` is undefined for a task of an earlier daemon, whose shim `adopt` or `awaitShim` brings if it has one. */
  constructor(deps: TaskDeps, identity: TaskIdentity, record: TaskRecord, shim: Shim | undefined) {
    this.#deps = deps;
    this.identity = identity;
    this.record = record;
    this.#shim = shim;
    this.init = new TaskProcessState("", record.io);
    this.init.pid = shim?.initPid ?? 0;
    this.#exits = new TaskExits(deps, this);
  }

  /** Aborts when it is released. */
  get signal(): AbortSignal {
    return this.#released.signal;
  }

  get shim(): Shim {
    if (this.#shim !== undefined) return this.#shim;
    if (this.init.status === "unknown") throw silent(this.identity.id);
    throw missing(`task ${this.identity.id}: process already finished`);
  }

  /** What an earlier daemon's task turned out to be: its shim, or how it ended. */
  adopt(found: Shim | ProcessExit): void {
    if (!("initPid" in found)) {
      this.init.end(found);
      return;
    }
    this.#shim = found;
    this.#adopted = true;
    this.init.pid = found.initPid;
    const isMarked = (mark: TaskMark): boolean => this.#deps.files.isMarked(this.identity.directory, mark);
    const started = isMarked("paused") ? "paused" : "running";
    this.init.status = isMarked("started") ? started : "created";
    this.watch();
  }

  /** The shim lives and does not answer: the state is unknown until it does. */
  awaitShim(adoption: Promise<Shim | ProcessExit>): void {
    this.init.status = "unknown";
    this.#known = this.#adoptLate(adoption);
  }

  /** Resolves when it is known what an earlier daemon's task turned out to be, as its execs are not until then; undefined if it is. */
  get known(): Promise<void> | undefined {
    return this.init.status === "unknown" ? this.#known : undefined;
  }

  /** Background: a shim that dies without an answer takes its container with it. */
  async #adoptLate(adoption: Promise<Shim | ProcessExit>): Promise<void> {
    try {
      this.adopt(await adoption);
      if (this.init.exit === undefined) return;
    } catch (error) {
      if (this.#deps.signal.aborted) return;
      this.#unreachable = !isKind(error, "notFound");
      if (this.#unreachable) return;
      this.init.end(await this.#exits.loseShim());
    }
    this.#exits.announce(this.init);
  }

  get(execId: string): TaskProcessState {
    const found = execId === "" ? this.init : this.#execs.get(execId);
    if (found === undefined) throw missing(`process does not exist ${execId}`);
    return found;
  }

  /** The process to wait for; an exec of an earlier daemon is followed from now on. */
  follow(execId: string): TaskProcessState {
    if (execId === "" || this.#execs.has(execId) || !this.#adopted) return this.get(execId);
    checkIdentifier("", execId); // the shim's files bear its name
    const process = new TaskProcessState(execId, unknownIo);
    process.status = "running";
    this.#execs.set(execId, process);
    this.#exits.follow(process);
    return process;
  }

  async start(execId: string, signal: AbortSignal): Promise<{ readonly pid: number }> {
    const process = this.get(execId);
    if (process.status !== "created" || process.starting !== undefined)
      throw failedPrecondition(`cannot start a ${process.status} process`);
    const starting = execId === "" ? this.#startInit(signal) : this.#startExec(process, signal);
    process.starting = starting.catch(() => undefined);
    try {
      await starting;
    } finally {
      process.starting = undefined;
    }
    return { pid: process.pid };
  }

  addExec({ execId, io, process }: ExecCreate): void {
    if (this.init.status !== "running") throw refused(`cannot exec in a ${this.init.status} state`);
    if (this.#execs.has(execId)) throw alreadyExists(`id ${execId}`);
    this.#execs.set(execId, new TaskProcessState(execId, io, process));
    this.#emit({ topic: "/tasks/exec-added", containerId: this.identity.id, execId });
  }

  /** SIGKILL for the init reaches it even if the shim does not answer: the shim goes too then. Other signals reject `unavailable`. */
  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    const process = this.get(execId);
    if (process.status === "stopped" || (execId !== "" && process.status === "created"))
      throw missing("process already finished");
    const { patience } = this.#deps;
    const known = process.status !== "unknown";
    if (known && (await answerWithin(patience, this.shim.kill(execId, signal, all))) !== undefined) return;
    if (signal !== SIGKILL || execId !== "") throw silent(this.identity.id);
    await this.#killShim();
  }

  async resizePty(execId: string, size: { readonly rows: number; readonly cols: number }): Promise<void> {
    await this.#inTime(this.shim.resizePty(execId, size));
  }

  async closeStdin(execId: string): Promise<void> {
    await this.#inTime(this.shim.closeStdin(execId));
  }

  async #inTime(reply: Promise<void>): Promise<void> {
    if ((await answerWithin(this.#deps.patience, reply)) === undefined) throw silent(this.identity.id);
  }

  async #killShim(): Promise<void> {
    const { id, directory } = this.identity;
    this.#deps.warn(`container ${id}: its shim does not answer and is killed`);
    this.#exits.expectKill();
    await this.#deps.shims.kill(id, directory);
    if (!this.#unreachable || this.init.exit !== undefined) return;
    this.init.end(await this.#exits.loseShim());
    this.#exits.announce(this.init);
  }

  async pause(): Promise<void> {
    if (this.init.status !== "running") throw refused(`cannot pause a ${this.init.status} container`);
    this.#deps.files.mark(this.identity.directory, "paused");
    try {
      await this.shim.pause();
    } catch (error) {
      this.#deps.files.unmark(this.identity.directory, "paused");
      throw error;
    }
    this.init.status = "paused";
    this.#emit({ topic: "/tasks/paused", containerId: this.identity.id });
  }

  async resume(): Promise<void> {
    if (this.init.status !== "paused") throw refused(`cannot resume a ${this.init.status} process`);
    await this.shim.resume();
    this.#deps.files.unmark(this.identity.directory, "paused");
    this.init.status = "running";
    this.#emit({ topic: "/tasks/resumed", containerId: this.identity.id });
  }

  async checkpoint(...wanted: Parameters<Shim["checkpoint"]>): Promise<void> {
    if (this.init.status !== "running") throw failedPrecondition(`task ${this.identity.id} is not running`);
    await this.shim.checkpoint(...wanted);
    const [{ images }] = wanted;
    this.#emit({ topic: "/tasks/checkpointed", containerId: this.identity.id, checkpoint: images });
  }

  deleteExec(execId: string): TaskExit {
    const process = this.get(execId);
    if (process.status === "running") throw failedPrecondition(`process ${execId} is running`);
    if (process.starting !== undefined) throw failedPrecondition(`process ${execId} is being started`);
    this.#execs.delete(execId);
    return process.exit ?? { exitCode: 0, exitedAt: 0 };
  }

  /** Ends a task that was never started; throws `conflict` for a running one. */
  async stop(): Promise<TaskExit> {
    if (this.init.exit !== undefined) return this.init.exit;
    if (this.init.status === "created") {
      await this.init.starting;
      await this.#killQuietly();
      return this.init.ended;
    }
    throw failedPrecondition(`task must be stopped before deletion: ${this.init.status}`);
  }

  /** Removes what is left of it. The directory is free for a new task after that. */
  async clean(): Promise<void> {
    const { id, directory } = this.identity;
    await this.#shim?.[Symbol.asyncDispose]();
    await this.#deps.shims.clean(id, directory, this.record.spec);
    this.#deps.files.remove(directory);
  }

  /** Lets go of the shim, which goes on. */
  async release(): Promise<void> {
    this.#released.abort();
    await this.#shim?.[Symbol.asyncDispose]();
  }

  /** Follows the init to its end. */
  watch(): void {
    this.#exits.follow(this.init);
  }

  /** Of one that had ended before this daemon looked. */
  announceExit(): void {
    this.#exits.announce(this.init);
  }

  describe(process: TaskProcessState): TaskProcess {
    return {
      containerId: this.identity.id,
      execId: process.execId,
      pid: process.pid,
      status: process.status,
      io: process.io,
      exitCode: process.exit?.exitCode ?? 0,
      exitedAt: process.exit?.exitedAt ?? 0,
    };
  }

  async #startInit(signal: AbortSignal): Promise<void> {
    this.#deps.files.mark(this.identity.directory, "started");
    try {
      await this.shim.start(signal);
    } catch (error) {
      // Whoever is told that the program cannot be run finds the task stopped.
      if (error instanceof PlanError)
        await Promise.race([this.init.exiting.promise, sleep(endTime, undefined, { ref: false })]);
      throw error;
    }
    this.init.pid = this.shim.initPid;
    this.init.status = "running";
    this.#emit({ topic: "/tasks/start", containerId: this.identity.id, pid: this.init.pid });
  }

  async #startExec(process: TaskProcessState, signal: AbortSignal): Promise<void> {
    const { execId, definition } = process;
    if (definition === undefined) throw failedPrecondition(`exec ${execId} has no process`);
    process.pid = await this.shim.exec(execId, definition, parseTaskIo(process.io), signal);
    process.status = "running";
    const { id } = this.identity;
    this.#emit({ topic: "/tasks/exec-started", containerId: id, execId, pid: process.pid });
    this.#exits.follow(process);
  }

  async #killQuietly(): Promise<void> {
    try {
      await this.shim.kill("", SIGKILL, true);
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
    }
  }

  #emit(event: TaskEvent): void {
    this.#deps.emit(this.identity.scope, event);
  }
}
