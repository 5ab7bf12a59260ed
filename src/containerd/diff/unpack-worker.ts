// The worker's side: serves unpack jobs from a message port, one at a time.

import type { MessagePort } from "node:worker_threads";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { unpackLayer } from "./unpack.ts";
import { decodeWorkerRequest, type WorkerReply } from "./unpack-messages.ts";

/** Progress is told at most this often. */
const PROGRESS_MS = 50;

/** `connect` opens the executor behind a socket path. */
export function serveUnpacking(port: MessagePort, connect: (socket: string) => Executor): void {
  const reply = (message: WorkerReply): void => port.postMessage(message);
  let running = new AbortController();
  port.on("message", (message: unknown) => {
    const request = decodeWorkerRequest(message);
    if (request.kind === "abort") {
      running.abort(new Error("context canceled"));
      return;
    }
    running = new AbortController();
    const deps = { executor: connect(request.executorSocket), onProgress: throttled(reply) };
    unpackLayer(deps, request.job, running.signal).then(
      (unpacked) => reply({ kind: "done", ...unpacked }),
      (error: unknown) => reply({ kind: "failed", message: describe(error) }),
    );
  });
}

function describe(error: unknown): string {
  if (error instanceof PlanError && error.code === "ENOSPC") return `${error.why}: no space left on device`;
  return error instanceof Error ? error.message : String(error);
}

function throttled(reply: (message: WorkerReply) => void): (bytes: number) => void {
  let last = 0;
  return (bytes) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    reply({ kind: "progress", bytes });
  };
}
