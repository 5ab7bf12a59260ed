// One shim of our own: the daemon's end of it.

import type { Duplex } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { notFound, unsupported } from "#base/errors.ts";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Process, Resources } from "#spec/oci-runtime.ts";
import type { AttachOptions, ProcessExit, ProcessIo, Shim } from "../shim.ts";
import { attachTo } from "./attach.ts";
import { createValues, type ProcessStatus } from "./bodies.ts";
import type { ShimControl } from "./control.ts";
import { findExitRecord, removeExitRecord } from "./exit-record.ts";

/** What is done to a container's cgroup from outside, and the plans of further processes. */
export interface ContainerControl {
  planExec(process: Process, initPid: number): Plan | Promise<Plan>;
  pids(): Promise<readonly number[]>;
  freeze(frozen: boolean): Promise<void>;
  update(resources: Resources): Promise<void>;
  /** Runs what follows the program's start; a failure of it ends the container. */
  afterStart?(initPid: number): Promise<void>;
  /** Why it did not start, in better words. */
  explain?(error: unknown): unknown;
  checkpoint?(initPid: number, ...wanted: Parameters<Shim["checkpoint"]>): Promise<void>;
}

export interface ShimIdentity {
  readonly stateDir: string;
  readonly pid: number;
  readonly initPid: number;
}

interface EncodedPlan {
  readonly process: Process;
  readonly whys: readonly string[];
  readonly encoded: Uint8Array;
}

/** Of how many processes the plans are kept: a health check's and what somebody runs again and again. */
const KEPT_PLANS = 2;

const REMEMBERED = 256;
const SIGKILL = 9;

interface ProcessEnd {
  readonly promise: Promise<ProcessExit>;
  readonly resolve: (exit: ProcessExit) => void;
  readonly reject: (error: Error) => void;
}

export class NativeShim implements Shim {
  readonly pid: number;
  #initPid: number;
  readonly #stateDir: string;
  readonly #control: ShimControl;
  readonly #container: ContainerControl;
  readonly #whyOf: (index: number) => string;
  readonly #ends = new Map<string, ProcessEnd>();
  /** Execs whose end is kept in case somebody asks, the oldest first. */
  readonly #ended: string[] = [];
  /** The newest first. */
  #plans: readonly EncodedPlan[] = [];

  /** `whyOf`: the reason label of an operation of the init's plan. */
  constructor(
    identity: ShimIdentity,
    control: ShimControl,
    container: ContainerControl,
    whyOf: (index: number) => string,
  ) {
    this.#whyOf = whyOf;
    this.pid = identity.pid;
    this.#initPid = identity.initPid;
    this.#stateDir = identity.stateDir;
    this.#control = control;
    this.#container = container;
    this.#expect("");
    void control.closed.then(() => this.#collect());
  }

  get initPid(): number {
    return this.#initPid;
  }

  #expect(execId: string): ProcessEnd {
    const end = Promise.withResolvers<ProcessExit>();
    end.promise.catch(() => {}); // nobody may be waiting
    this.#ends.set(execId, end);
    return end;
  }

  /** A notice of the shim. The record of an exec is only for a daemon that did not hear it. */
  processEnded({ execId, exitCode, exitedAt }: ProcessStatus): void {
    (this.#ends.get(execId) ?? this.#expect(execId)).resolve({ exitCode, exitedAt });
    if (execId === "") return;
    void removeExitRecord(this.#stateDir, execId);
    this.#ended.push(execId);
    if (this.#ended.length > REMEMBERED) this.#ends.delete(this.#ended.shift() ?? "");
  }

  /** The connection is gone: what ended is on disk, the rest is lost. */
  async #collect(): Promise<void> {
    for (const [execId, end] of this.#ends) {
      const exit = await findExitRecord(this.#stateDir, execId);
      if (exit !== undefined) end.resolve(exit);
      else end.reject(notFound("process", execId));
    }
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#startInit();
    try {
      await this.#container.afterStart?.(this.initPid);
    } catch (error) {
      await this.kill("", SIGKILL, false).catch(() => {}); // it may have ended by itself
      throw error;
    }
  }

  async #startInit(): Promise<void> {
    try {
      const reply = await this.#control.request("start", {}, this.#whyOf);
      reply.u32();
      this.#initPid = reply.u32();
    } catch (error) {
      throw this.#container.explain?.(error) ?? error;
    }
  }

  async exec(execId: string, process: Process, io: ProcessIo, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const { whys, encoded } = await this.#planExec(process);
    this.#expect(execId);
    try {
      const reply = await this.#control.request(
        "create",
        createValues(execId, io, { plan: encoded }),
        (index) => whys[index] ?? "exec",
      );
      reply.u32();
      return reply.u32();
    } catch (error) {
      this.#ends.delete(execId);
      throw error;
    }
  }

  /** What a plan is made from but for the process stays as it is for as long as the container runs. */
  async #planExec(process: Process): Promise<EncodedPlan> {
    const known = this.#plans.find((one) => isDeepStrictEqual(one.process, process));
    if (known !== undefined) return known;
    const plan = await this.#container.planExec(process, this.initPid);
    const made = { process, whys: plan.map(({ why }) => why), encoded: encodePlan(plan) };
    this.#plans = [made, ...this.#plans].slice(0, KEPT_PLANS);
    return made;
  }

  /** Takes note of processes that an earlier daemon started. */
  adopt(processes: readonly ProcessStatus[]): void {
    for (const status of processes) {
      if (!this.#ends.has(status.execId)) this.#expect(status.execId);
      if (status.state === "reported") this.processEnded(status);
    }
  }

  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    if (!all) {
      await this.#control.request("kill", { process: execId, signal });
      return;
    }
    const pids = await this.#container.pids();
    if (pids.length === 0) return await this.kill(execId, signal, false); // no cgroup of its own, or it has ended
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // it ended meanwhile
      }
    }
  }

  async resizePty(execId: string, size: { readonly rows: number; readonly cols: number }): Promise<void> {
    await this.#control.request("resize", { process: execId, rows: size.rows, columns: size.cols });
  }

  async closeStdin(execId: string): Promise<void> {
    await this.#control.request("closeStdin", { process: execId });
  }

  attach(execId: string, options: AttachOptions, signal: AbortSignal): Promise<Duplex> {
    return attachTo(this.#stateDir, execId, options, signal);
  }

  async wait(execId: string, signal: AbortSignal): Promise<ProcessExit> {
    const end = this.#ends.get(execId);
    if (end === undefined) return await this.#recorded(execId);
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([end.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** An exec that ended while no daemon listened. */
  async #recorded(execId: string): Promise<ProcessExit> {
    const exit = await findExitRecord(this.#stateDir, execId);
    if (exit === undefined) throw notFound("process", execId);
    return exit;
  }

  pids(): Promise<readonly number[]> {
    return this.#container.pids();
  }

  pause(): Promise<void> {
    return this.#container.freeze(true);
  }

  resume(): Promise<void> {
    return this.#container.freeze(false);
  }

  update(resources: Resources): Promise<void> {
    return this.#container.update(resources);
  }

  async checkpoint(...wanted: Parameters<Shim["checkpoint"]>): Promise<void> {
    if (this.#container.checkpoint === undefined) throw unsupported("checkpoint with this runtime");
    await this.#container.checkpoint(this.initPid, ...wanted);
  }

  /** The daemon's side only: the shim goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.close();
    await this.#control.closed;
  }
}
