// The thread that reads and writes the files of containers.

import { MessagePort, parentPort } from "node:worker_threads";
import { isRecord } from "#base/decode.ts";
import { serveTreeJob } from "#containerd/trees/tree-worker.ts";

if (parentPort === null) throw new Error("tree-worker is a worker thread's program");
parentPort.on("message", (message: unknown) => {
  if (isRecord(message) && message.port instanceof MessagePort) void serveTreeJob(message.port, message.job);
});
