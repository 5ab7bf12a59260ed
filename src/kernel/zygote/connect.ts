// The executor, reached over the zygote's socket: one connection, and one process forked for it, for each plan.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeOps } from "../plan/encode.ts";
import type { Executor, PlanResult } from "../plan/executor.ts";
import type { Plan } from "../plan/ops.ts";
import { takeReply } from "./reply.ts";
import { PlanSession } from "./session.ts";
import { encodeFrame, type Frame, FrameReader } from "./wire-frames.ts";

const nothing = new Uint8Array(0);

/** The one reply of a connection. */
async function readReply(socket: Socket): Promise<Frame> {
  const frames = new FrameReader();
  for await (const chunk of socket) {
    if (!(chunk instanceof Buffer)) continue;
    frames.push(chunk);
    const frame = frames.next();
    if (frame !== undefined) return frame;
  }
  throw new Error("the executor ended without a reply");
}

/** Opens a connection that dies with the signal. */
export async function openConnection(path: string, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({ path });
  const abort = (): void => void socket.destroy(new Error("aborted", { cause: signal.reason }));
  signal.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", abort));
  socket.on("error", () => undefined); // whoever reads is told; between two reads nobody listens
  await once(socket, "connect");
  return socket;
}

/** An executor over the socket of a running zygote; any thread may make one. */
export function connectExecutor(socketPath: string): Executor {
  return {
    run: async (plan: Plan, signal: AbortSignal): Promise<PlanResult> => {
      const socket = await openConnection(socketPath, signal);
      try {
        socket.write(Buffer.concat([encodeFrame("ops", encodeOps(plan)), encodeFrame("flush", nothing)]));
        return takeReply(await readReply(socket), (index) => plan[index]?.why ?? "plan");
      } finally {
        socket.destroy();
      }
    },
    openStream: (signal) => openSession(socketPath, signal),
  };
}

/** A stream that can also be asked. */
export const openSession = async (socketPath: string, signal: AbortSignal): Promise<PlanSession> =>
  new PlanSession(await openConnection(socketPath, signal));
