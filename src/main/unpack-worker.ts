// The thread that unpacks layers.

import { parentPort } from "node:worker_threads";
import { serveUnpacking } from "#containerd/diff/unpack-worker.ts";
import { connectExecutor } from "#kernel/zygote/connect.ts";

if (parentPort === null) throw new Error("unpack-worker is a worker thread's program");
serveUnpacking(parentPort, connectExecutor);
