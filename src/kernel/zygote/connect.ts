// The executor, reached over the zygote's socket: one connection, and one process forked for it, for each plan.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodePlan } from "../plan/encode.ts";
import type { Executor, HeldProcess, PlanResult } from "../plan/executor.ts";
import type { Plan } from "../plan/ops.ts";
import { takeReply } from "./reply.ts";
import { encodeFrame, type Frame, FrameReader } from "./wire-frames.ts";

/** The one reply of a connection, which stays open. */
async function readReply(socket: Socket): Promise<Frame> {
  const frames = new FrameReader();
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Buffer)) continue;
    frames.push(chunk);
    const frame = frames.next();
    if (frame !== undefined) return frame;
  }
  throw new Error("the executor ended without a reply");
}

/** A connection that dies with the signal; it is not open yet. */
function dial(path: string, signal: AbortSignal): Socket {
  signal.throwIfAborted();
  const socket = connect({ path });
  const abort = (): void => void socket.destroy(new Error("aborted", { cause: signal.reason }));
  signal.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", abort));
  socket.on("error", () => undefined); // whoever reads is told; between two reads nobody listens
  return socket;
}

/** Opens a connection that dies with the signal. */
export async function openConnection(path: string, signal: AbortSignal): Promise<Socket> {
  const socket = dial(path, signal);
  await once(socket, "connect");
  return socket;
}

/** An executor over the socket of a running zygote; any thread may make one. */
export function connectExecutor(socketPath: string): Executor {
  return {
    run: async (plan, signal) => {
      const socket = dial(socketPath, signal);
      try {
        const told = encodeTold(plan); // the zygote forks meanwhile
        await once(socket, "connect");
        return await exchange(socket, told);
      } finally {
        socket.destroy();
      }
    },
    hold: (plan, signal) => openHeld(socketPath, encodeHeld(plan), signal),
  };
}

/** A plan on its way to another thread: its bytes, and why each operation is there. */
export interface EncodedPlan {
  readonly bytes: Uint8Array;
  readonly whys: readonly string[];
}

const encodeTold = (plan: Plan): EncodedPlan => ({
  bytes: encodePlan(plan),
  whys: plan.map(({ why }) => why),
});

/** For openHeld. */
export const encodeHeld = (plan: Plan): EncodedPlan =>
  encodeTold([{ op: "read", why: "pid of the process", path: "/proc/self/stat" }, ...plan]);

/** Rejects with PlanError. */
export async function openHeld(
  socketPath: string,
  plan: EncodedPlan,
  signal: AbortSignal,
): Promise<HeldProcess> {
  const socket = await openConnection(socketPath, signal);
  using undo = new DisposableStack();
  undo.defer(() => socket.destroy());
  const results = await exchange(socket, plan);
  const pid = Number.parseInt(Buffer.concat(results.get(0) ?? []).toString("latin1"), 10);
  undo.move();
  return { pid, [Symbol.asyncDispose]: async () => void socket.destroy() };
}

async function exchange(socket: Socket, { bytes, whys }: EncodedPlan): Promise<PlanResult> {
  socket.write(encodeFrame("ops", bytes));
  return takeReply(await readReply(socket), (index) => whys[index] ?? "plan");
}
