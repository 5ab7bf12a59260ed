// One process of a task, its init or an exec: created -> running -> stopped.

import type { Process } from "#spec/oci-runtime.ts";
import type { TaskExit, TaskIo, TaskStatus } from "./tasks.ts";

export class TaskProcessState {
  /** "" for the init. */
  readonly execId: string;
  readonly io: TaskIo;
  /** What an exec runs; the init's is in the spec. */
  readonly definition: Process | undefined;
  pid = 0;
  status: TaskStatus = "created";
  exit: TaskExit | undefined;
  /** There while a start is under way, settles when it has been answered: an exit is announced after it. */
  starting: Promise<unknown> | undefined;
  /** Settles when the process has ended, before that is announced. */
  readonly exiting = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<TaskExit>();

  constructor(execId: string, io: TaskIo, definition?: Process) {
    this.execId = execId;
    this.io = io;
    this.definition = definition;
  }

  get ended(): Promise<TaskExit> {
    return this.#ended.promise;
  }

  end(exit: TaskExit): void {
    this.status = "stopped";
    this.exit = exit;
    this.#ended.resolve(exit);
  }
}
