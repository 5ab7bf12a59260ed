// How the processes of a task end: waited for at its shim, and told; what becomes of them when that is lost.

import type { ProcessExit, Shim, Shims } from "#shim/shim.ts";
import type { TaskEvent } from "../events/messages.ts";
import type { Scope } from "../scope.ts";
import type { TaskProcessState } from "./process.ts";
import type { TaskRecord } from "./task-files.ts";

export interface ExitDeps {
  readonly shims: Pick<Shims, "clean">;
  readonly emit: (scope: Scope, event: TaskEvent) => void;
  readonly now: () => number;
  /** Whether the kernel killed a process of the container for memory. */
  readonly oomKilled: (record: TaskRecord) => Promise<boolean>;
  /** Tells whoever runs the daemon of a container in trouble. */
  readonly warn: (message: string) => void;
  /** Aborts when the layer closes. */
  readonly signal: AbortSignal;
}

export interface TaskIdentity {
  readonly scope: Scope;
  readonly id: string;
  readonly directory: string;
}

/** The task, as it is now. */
interface Followed {
  readonly identity: TaskIdentity;
  readonly record: TaskRecord;
  readonly init: TaskProcessState;
  /** Throws if there is none. */
  readonly shim: Pick<Shim, "wait">;
  /** Aborts when it is released. */
  readonly signal: AbortSignal;
}

/** Exit code of a container whose shim was lost. */
const lostExitCode = 255;
/** Of an exec whose container has ended, as the shim and the kernel kill it with the init; of a container killed with its shim. */
const killedExitCode = 137;

export class TaskExits {
  readonly #deps: ExitDeps;
  readonly #task: Followed;
  #lostExitCode = lostExitCode;

  constructor(deps: ExitDeps, task: Followed) {
    this.#deps = deps;
    this.#task = task;
  }

  /** The shim is about to be killed, and what it has with it. */
  expectKill(): void {
    this.#lostExitCode = killedExitCode;
  }

  /** In the background, to its end. */
  follow(process: TaskProcessState): void {
    void this.#follow(process);
  }

  announce(process: TaskProcessState): void {
    const { id } = this.#task.identity;
    const { exitCode, exitedAt } = process.exit ?? { exitCode: lostExitCode, exitedAt: this.#deps.now() };
    const event = { containerId: id, id: process.execId === "" ? id : process.execId, pid: process.pid };
    this.#emit({ topic: "/tasks/exit", ...event, exitCode, exitedAt });
  }

  /** Background: ends with the process, or quietly with the layer. */
  async #follow(process: TaskProcessState): Promise<void> {
    const exit = await this.#waitForExit(process);
    if (exit === undefined) return;
    process.exiting.resolve();
    await process.starting;
    const started = process.status !== "created";
    if (started && (await this.#ranOutOfMemory())) {
      this.#emit({ topic: "/tasks/oom", containerId: this.#task.identity.id });
      // Whoever waits for the exit may ask what he has heard: let the event arrive first.
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.end(exit);
    if (started) this.announce(process);
  }

  /** undefined when the layer closes first. */
  async #waitForExit({ execId }: TaskProcessState): Promise<ProcessExit | undefined> {
    try {
      return await this.#task.shim.wait(execId, this.#task.signal);
    } catch {
      if (this.#deps.signal.aborted) return undefined;
      if (execId === "") return this.loseShim();
      if (this.#task.init.exit !== undefined)
        return { exitCode: killedExitCode, exitedAt: this.#task.init.exit.exitedAt };
      return { exitCode: this.#lostExitCode, exitedAt: this.#deps.now() };
    }
  }

  /** Ends everything of a container whose shim is gone. */
  async loseShim(): Promise<ProcessExit> {
    const { id, directory } = this.#task.identity;
    try {
      await this.#deps.shims.clean(id, directory, this.#task.record.spec);
    } catch (error) {
      this.#deps.warn(`container ${id}: what a lost shim left is not removed: ${String(error)}`);
    }
    return { exitCode: this.#lostExitCode, exitedAt: this.#deps.now() };
  }

  async #ranOutOfMemory(): Promise<boolean> {
    if (this.#task.record.spec.linux?.resources?.memory?.limit === undefined) return false;
    return this.#deps.oomKilled(this.#task.record).catch(() => false);
  }

  #emit(event: TaskEvent): void {
    this.#deps.emit(this.#task.identity.scope, event);
  }
}
