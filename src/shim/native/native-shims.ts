// Starts and finds the shims of gantry-exec.

import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { isRecord } from "#base/decode.ts";
import { notFound } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { openConnection } from "#kernel/zygote/connect.ts";
import { encodeFrame } from "#kernel/zygote/wire-frames.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import type { AdoptRequest, ProcessExit, Shim, ShimCreate, Shims } from "../shim.ts";
import { createValues, type ProcessStatus, readProcess, shimBody } from "./bodies.ts";
import { ShimControl } from "./control.ts";
import { findExitRecord } from "./exit-record.ts";
import { type ContainerControl, NativeShim } from "./native-shim.ts";
import { findShimPids } from "./process-list.ts";
import { connectShim } from "./shim-socket.ts";

interface Plans {
  readonly plan: Plan;
  readonly undo: Plan;
}

export interface NativeShimsDeps {
  /** The zygote's socket. */
  readonly socketPath: string;
  /** The plan of a container's init, and the one that removes what it leaves on the host. */
  compile(request: ShimCreate): Plans | Promise<Plans>;
  /** `checkpoint`: it is made from there. */
  control(container: AdoptRequest & Pick<ShimCreate, "checkpoint">): ContainerControl;
  /** Ends what runs in the container's cgroups and removes them; idempotent. */
  removeCgroups(container: AdoptRequest): Promise<void>;
  /** Ends with the state directory, whatever it throws. */
  beforeEnd?(container: AdoptRequest): Promise<void>;
}

export class NativeShims implements Shims {
  readonly #deps: NativeShimsDeps;

  constructor(deps: NativeShimsDeps) {
    this.#deps = deps;
  }

  async create(request: ShimCreate, signal: AbortSignal): Promise<Shim> {
    const { id, stateDir, io } = request;
    const plans = await this.#deps.compile(request);
    const whyOf = (index: number): string => plans.plan[index]?.why ?? "create";
    signal.throwIfAborted();
    // The connection outlives the request that asked for it: only the creation is cancelled with it.
    const socket = await openConnection(this.#deps.socketPath, new AbortController().signal);
    const exits = new ExitQueue();
    const control = new ShimControl(socket, (exit) => exits.push(exit));
    const cancel = (): void => void killInit(control);
    try {
      socket.write(encodeFrame("shim", shimBody(id, stateDir)));
      const created = control.request("create", createValues("", io, plans), whyOf);
      signal.addEventListener("abort", cancel, { once: true });
      const reply = await created;
      signal.throwIfAborted();
      const identity = { stateDir, pid: reply.u32(), initPid: reply.u32() };
      const made = new NativeShim(identity, control, this.#deps.control(request), whyOf);
      exits.open((exit) => made.processEnded(exit));
      return made;
    } catch (error) {
      if (signal.aborted) await this.#abandon(request, control);
      control.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Whatever there was of the container when it was no longer wanted ends, and with it the shim, which undoes what it did. */
  async #abandon(request: ShimCreate, control: ShimControl): Promise<void> {
    await killInit(control); // again: it may have been a forerunner that was killed, or nothing yet
    if (!(await isClosedWithin(control, UNDONE_WITHIN_MS))) await this.kill(request.id, request.stateDir);
    await this.#deps.removeCgroups(request);
  }

  async adopt(request: AdoptRequest, signal: AbortSignal): Promise<Shim | ProcessExit> {
    const { id, stateDir } = request;
    const socket = await findShim(stateDir, signal);
    if (socket === undefined) {
      const exit = await findExitRecord(stateDir, "");
      if (exit === undefined) throw notFound("task", id);
      return exit;
    }
    const exits = new ExitQueue();
    const control = new ShimControl(socket, (exit) => exits.push(exit));
    const giveUp = (): void => control.close();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const reply = await control.request("status", {});
      const pid = reply.u32();
      const processes: ProcessStatus[] = [];
      while (!reply.ended) processes.push(readProcess(reply));
      const init = processes.find(({ execId }) => execId === "");
      const identity = { stateDir, pid, initPid: init?.pid ?? 0 };
      const made = new NativeShim(identity, control, this.#deps.control(request), () => "start");
      made.adopt(processes);
      exits.open((exit) => made.processEnded(exit));
      return made;
    } catch (error) {
      control.close();
      signal.throwIfAborted();
      const exit = await findExitRecord(stateDir, ""); // it ended just now
      if (exit !== undefined) return exit;
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  async kill(id: string, stateDir: string): Promise<void> {
    for (const pid of await findShimPids(id, stateDir)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended meanwhile
      }
    }
  }

  async clean(id: string, stateDir: string, spec: Spec): Promise<void> {
    await this.#deps.removeCgroups({ id, stateDir, spec });
    try {
      await this.#deps.beforeEnd?.({ id, stateDir, spec });
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
  }
}

const SIGKILL = 9;
const UNDONE_WITHIN_MS = 10_000;

/** Resolves, too, if there is none. */
const killInit = (control: ShimControl): Promise<void> =>
  control.request("kill", { process: "", signal: SIGKILL }).then(
    () => {},
    () => {},
  );

/** Whether the shim has ended in that time. */
async function isClosedWithin(control: ShimControl, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const late = setTimeout(resolve, timeoutMs, false);
  void control.closed.then(() => resolve(true));
  return await promise.finally(() => clearTimeout(late));
}

/** Notices of exits; those that come before there is a shim to tell wait for it. */
class ExitQueue {
  readonly #early: ProcessStatus[] = [];
  #tell: ((exit: ProcessStatus) => void) | undefined;

  push(exit: ProcessStatus): void {
    if (this.#tell === undefined) this.#early.push(exit);
    else this.#tell(exit);
  }

  open(tell: (exit: ProcessStatus) => void): void {
    this.#tell = tell;
    for (const exit of this.#early.splice(0)) tell(exit);
  }
}

/** A connection to the shim, or undefined if none listens there any more. */
async function findShim(stateDir: string, signal: AbortSignal): Promise<Socket | undefined> {
  try {
    return await connectShim(stateDir, false, signal);
  } catch (error) {
    // Anything else (a full backlog, no more descriptors) does not say that the shim has gone.
    if (isRecord(error) && (error.code === "ENOENT" || error.code === "ECONNREFUSED")) return undefined;
    throw error;
  }
}
