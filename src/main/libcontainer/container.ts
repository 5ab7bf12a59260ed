// One container of a program, as long as the program wants it.

import { constants } from "node:os";
import { invalid } from "#base/errors.ts";
import { setFrozen } from "#kernel/cgroups/freezer.ts";
import { readOomKills, watchOom } from "#kernel/cgroups/oom.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { killCgroup } from "#kernel/cgroups/processes.ts";
import { readCgroupStats } from "#kernel/cgroups/read-stats.ts";
import type { CgroupStats } from "#kernel/cgroups/stats.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { NativeShim } from "#shim/native/native-shim.ts";
import type { ProcessExit } from "#shim/shim.ts";
import type { Process, Resources } from "#spec/oci-runtime.ts";
import { execName, type Place, planFifos } from "./places.ts";
import { openStreams, type ProcessStreams, type Stdio } from "./streams.ts";

/** "SIGTERM" or its number. */
export type Signal = NodeJS.Signals | number;

export type ContainerEvent =
  /** The kernel has killed for memory: so many processes so far. */
  { readonly type: "oom"; readonly kills: number } | { readonly type: "exit"; readonly exit: ProcessExit };

export interface ContainerParts {
  readonly place: Place;
  readonly shim: NativeShim;
  readonly streams: ProcessStreams;
  readonly cgroup: CgroupPaths;
  readonly executor: Executor;
  /** Lets the shim do what its will says; resolves behind that. */
  release(): Promise<void>;
}

const never = new AbortController().signal;

function signalNumber(signal: Signal): number {
  const number = typeof signal === "number" ? signal : constants.signals[signal];
  if (!Number.isInteger(number) || number < 1 || number > 64) throw invalid(`invalid signal: ${signal}`);
  return number;
}

/** A process of a container: its init, or one that `exec` has added. */
export class ContainerProcess implements ProcessStreams {
  readonly pid: number;
  readonly stdin: ProcessStreams["stdin"];
  readonly stdout: ProcessStreams["stdout"];
  readonly stderr: ProcessStreams["stderr"];
  readonly #shim: NativeShim;
  readonly #name: string;

  constructor(shim: NativeShim, name: string, pid: number, { stdin, stdout, stderr }: ProcessStreams) {
    this.#shim = shim;
    this.#name = name;
    this.pid = pid;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** Resolves when it has ended and its output is in the streams. A stream that nobody reads can hold that up for some seconds. */
  wait(signal: AbortSignal = never): Promise<ProcessExit> {
    return this.#shim.wait(this.#name, signal);
  }

  /** Rejects with notFound if it has ended. */
  async kill(signal: Signal = "SIGTERM"): Promise<void> {
    await this.#shim.kill(this.#name, signalNumber(signal), false);
  }

  /** Of its terminal. */
  async resize(rows: number, cols: number): Promise<void> {
    await this.#shim.resizePty(this.#name, { rows, cols });
  }
}

export class Container extends ContainerProcess implements AsyncDisposable {
  readonly id: string;
  readonly #parts: ContainerParts;
  #execs = 0;
  #quiet = 0;
  /** Of the next process with streams. */
  #fifos: Promise<unknown> = Promise.resolve();

  constructor(parts: ContainerParts) {
    super(parts.shim, "", parts.shim.initPid, parts.streams);
    this.id = parts.place.id;
    this.#parts = parts;
  }

  /** The program, of a container that `create` has made. Rejects with PlanError if it cannot be executed. */
  async start(): Promise<void> {
    await this.#parts.shim.start(never);
  }

  /** Resolves when it runs; rejects with PlanError if it cannot be executed. */
  async exec(process: Process, options: { readonly stdio?: Stdio } = {}): Promise<ContainerProcess> {
    const { place, shim } = this.#parts;
    const { stdio = "pipe" } = options;
    const terminal = process.terminal === true;
    const name = stdio === "pipe" || terminal ? await this.#takeFifos() : `quiet${this.#quiet++}`;
    const streams = openStreams(place, name, stdio, terminal);
    try {
      const pid = await shim.exec(name, process, streams.io, never);
      streams.joined();
      return new ContainerProcess(shim, name, pid, streams);
    } catch (error) {
      streams.close();
      throw error;
    }
  }

  /** The name of a process whose FIFOs are there; the next one's are made meanwhile. */
  async #takeFifos(): Promise<string> {
    const name = execName(this.#execs++);
    const { executor, place } = this.#parts;
    const made = this.#fifos;
    this.#fifos = executor.run(planFifos(place, execName(this.#execs)), never);
    this.#fifos.catch(() => {}); // told to who takes them
    await made;
    return name;
  }

  /** Every process of the container. */
  async killAll(signal: Signal = "SIGKILL"): Promise<void> {
    await this.#parts.shim.kill("", signalNumber(signal), true);
  }

  /** Pids on the host. */
  pids(): Promise<readonly number[]> {
    return this.#parts.shim.pids();
  }

  async pause(): Promise<void> {
    await setFrozen(this.#parts.cgroup, true);
  }

  async resume(): Promise<void> {
    await setFrozen(this.#parts.cgroup, false);
  }

  async stats(): Promise<CgroupStats> {
    return readCgroupStats(this.#parts.cgroup);
  }

  async update(resources: Resources): Promise<void> {
    await this.#parts.shim.update(resources);
  }

  /** What happens to it, until its end. */
  async *events(signal: AbortSignal = never): AsyncGenerator<ContainerEvent> {
    const { cgroup } = this.#parts;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    let seen = 0;
    const exit = this.wait(signal).finally(() => ended.abort());
    exit.catch(() => {}); // awaited below
    try {
      for await (const kills of watchOom({ paths: cgroup }, either)) {
        seen = kills;
        yield { type: "oom", kills };
      }
    } catch (error) {
      if (!either.aborted) throw error;
    }
    const last = await exit;
    const kills = readOomKills(cgroup);
    if (kills > seen) yield { type: "oom", kills };
    yield { type: "exit", exit: last };
  }

  /** Ends what runs, and resolves when nothing of the container is left. Idempotent. */
  async delete(): Promise<void> {
    const { shim, cgroup, release } = this.#parts;
    await shim.kill("", constants.signals.SIGKILL, false).catch(() => {}); // it has ended
    await killCgroup(cgroup).catch(() => {}); // also what is frozen, or in no pid namespace
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy();
    await this.wait().catch(() => {}); // it was never started
    await release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.delete();
  }
}
