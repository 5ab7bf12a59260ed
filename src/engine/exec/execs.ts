// Processes that users run in running containers. Kept in memory: they end with the container, and their records a while later.

import { notFound } from "#base/errors.ts";

export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

export interface ExecConfig {
  readonly command: readonly [string, ...string[]];
  readonly env: readonly string[];
  /** "" is the container's. */
  readonly user: string;
  readonly workingDir: string;
  readonly privileged: boolean;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string;
  readonly consoleSize: ConsoleSize | undefined;
}

export class Exec {
  readonly id: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  started = false;
  running = false;
  /** null until it has ended. */
  exitCode: number | null = null;
  pid = 0;
  consoleSize: ConsoleSize | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(id: string, containerId: string, config: ExecConfig) {
    this.id = id;
    this.containerId = containerId;
    this.config = config;
    this.consoleSize = config.consoleSize;
  }

  /** Resolves when the exit code is known. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  end(exitCode: number): void {
    this.exitCode = exitCode;
    this.running = false;
    this.pid = 0;
    this.#ended.resolve();
  }
}

/** Ended execs of a container that are still told about. */
const ENDED_KEPT = 64;

export class Execs {
  readonly #byId = new Map<string, Exec>();
  readonly #byContainer = new Map<string, Set<Exec>>();

  add(exec: Exec): void {
    this.#byId.set(exec.id, exec);
    const siblings = this.#byContainer.get(exec.containerId) ?? new Set();
    this.#byContainer.set(exec.containerId, siblings.add(exec));
    this.#forgetOldest(siblings);
  }

  get(id: string): Exec {
    const exec = this.#byId.get(id);
    if (exec === undefined) throw notFound("exec instance", id);
    return exec;
  }

  /** Of a container, as inspect lists them: those that have not ended. */
  idsOf(containerId: string): readonly string[] {
    return [...(this.#byContainer.get(containerId) ?? [])]
      .filter(({ exitCode }) => exitCode === null)
      .map(({ id }) => id);
  }

  forgetContainer(containerId: string): void {
    for (const { id } of this.#byContainer.get(containerId) ?? []) this.#byId.delete(id);
    this.#byContainer.delete(containerId);
  }

  #forgetOldest(siblings: Set<Exec>): void {
    const ended = [...siblings].filter(({ exitCode }) => exitCode !== null);
    for (const exec of ended.slice(0, Math.max(0, ended.length - ENDED_KEPT))) {
      siblings.delete(exec);
      this.#byId.delete(exec.id);
    }
  }
}

/** As events show a command: the program, a space, and its arguments. */
export const describeCommand = ([program, ...args]: readonly string[]): string =>
  `${program} ${args.join(" ")}`;
