// Starts and finds the shims of gantry-exec.

import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { notFound, systemError } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { openConnection } from "#kernel/zygote/connect.ts";
import { type BodyReader, encodeFrame } from "#kernel/zygote/wire-frames.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import type { AdoptRequest, ProcessExit, Shim, ShimCreate, Shims } from "../shim.ts";
import { createBody, type ProcessStatus, plainBody, readProcess, shimBody } from "./bodies.ts";
import { ShimControl } from "./control.ts";
import { findExitRecord } from "./exit-record.ts";
import { type ContainerControl, NativeShim } from "./native-shim.ts";
import { connectShim } from "./shim-socket.ts";

export interface NativeShimsDeps {
  /** The zygote's socket. */
  readonly socketPath: string;
  /** The plan of a container's init, and the one that removes what it leaves on the host. */
  compile(request: ShimCreate): { readonly plan: Plan; readonly undo: Plan };
  control(id: string, spec: Spec): ContainerControl;
  /** Removes the container's cgroups; idempotent. */
  removeCgroups(id: string, spec: Spec): Promise<void>;
}

export class NativeShims implements Shims {
  readonly #deps: NativeShimsDeps;

  constructor(deps: NativeShimsDeps) {
    this.#deps = deps;
  }

  async create(request: ShimCreate, signal: AbortSignal): Promise<Shim> {
    const { id, stateDir, spec, io } = request;
    const plans = this.#deps.compile(request);
    const whyOf = (index: number): string => plans.plan[index]?.why ?? "create";
    // The connection outlives the request that asked for it: only the creation is cancelled with it.
    const making = new AbortController();
    const cancel = (): void => making.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", cancel, { once: true });
    const socket = await openConnection(this.#deps.socketPath, making.signal);
    const early: ProcessStatus[] = [];
    let made: NativeShim | undefined;
    const control = new ShimControl(socket, (exit) =>
      made === undefined ? early.push(exit) : made.processEnded(exit),
    );
    try {
      socket.write(encodeFrame("shim", shimBody(id, stateDir)));
      const reply = await control.request("create", (number) => createBody(number, io, plans), whyOf);
      const identity = { stateDir, spec, pid: reply.u32(), initPid: reply.u32() };
      made = new NativeShim(identity, control, this.#deps.control(id, spec), whyOf);
      for (const exit of early) made.processEnded(exit);
      return made;
    } catch (error) {
      control.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async adopt({ id, stateDir, spec }: AdoptRequest, signal: AbortSignal): Promise<Shim | ProcessExit> {
    const socket = await findShim(stateDir, signal);
    if (socket === undefined) {
      const exit = await findExitRecord(stateDir, "");
      if (exit === undefined) throw notFound("task", id);
      return exit;
    }
    let made: NativeShim | undefined;
    const control = new ShimControl(socket, (exit) => made?.processEnded(exit));
    const reply = await answered(control, id, signal);
    const pid = reply.u32();
    const processes: ProcessStatus[] = [];
    while (!reply.ended) processes.push(readProcess(reply));
    const init = processes.find(({ execId }) => execId === "");
    const identity = { stateDir, spec, pid, initPid: init?.pid ?? 0 };
    made = new NativeShim(identity, control, this.#deps.control(id, spec), () => "start");
    made.adopt(processes);
    return made;
  }

  async clean(id: string, stateDir: string, spec: Spec): Promise<void> {
    await this.#deps.removeCgroups(id, spec);
    await rm(stateDir, { recursive: true, force: true });
  }
}

const PATIENCE_MS = 5000;

/** The shim's processes. One that does not answer must not hold up the rest of the daemon. */
async function answered(control: ShimControl, id: string, signal: AbortSignal): Promise<BodyReader> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const giveUp = (): void => control.close();
  late.addEventListener("abort", giveUp, { once: true });
  try {
    return await control.request("status", plainBody);
  } catch (error) {
    signal.throwIfAborted();
    throw late.aborted ? systemError(`the shim of ${id} does not answer`, { cause: error }) : error;
  } finally {
    late.removeEventListener("abort", giveUp);
  }
}

/** A connection to the shim, or undefined if none listens there any more. */
async function findShim(stateDir: string, signal: AbortSignal): Promise<Socket | undefined> {
  try {
    return await connectShim(stateDir, false, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}
