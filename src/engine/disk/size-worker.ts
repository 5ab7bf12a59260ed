// Worker thread: measures directories. All that were asked for take turns, so that a large one does not keep the small ones waiting.

import { parentPort } from "node:worker_threads";
import { number, object, string } from "#base/decode.ts";
import { FileSizes } from "./file-sizes.ts";

const decodeRequest = object({ id: number, path: string }, {});
const entriesPerTurn = 500;
const walks = new Map<number, FileSizes>();
let turning = false;

function turn(): void {
  for (const [id, walk] of walks) {
    if (walk.advance(entriesPerTurn)) continue;
    walks.delete(id);
    parentPort?.postMessage({ id, bytes: walk.total });
  }
  turning = walks.size > 0;
  if (turning) setImmediate(turn);
}

parentPort?.on("message", (message: unknown) => {
  const { id, path } = decodeRequest(message, "request");
  walks.set(id, new FileSizes(path));
  if (turning) return;
  turning = true;
  setImmediate(turn);
});
