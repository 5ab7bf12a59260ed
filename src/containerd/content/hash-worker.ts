// Worker thread: hashes files as they grow, so that neither a download nor a resumed one keeps the event loop.

import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { decodeHashRequest, type HashReply } from "./hash-protocol.ts";

interface Growing {
  readonly fd: number;
  readonly hash: Hash;
  offset: number;
}

const buffer = Buffer.allocUnsafe(1 << 20);
const files = new Map<number, Growing>();

function advance(file: Growing, end: number): void {
  while (file.offset < end) {
    const count = readSync(file.fd, buffer, 0, Math.min(buffer.length, end - file.offset), file.offset);
    if (count === 0) throw new Error(`file ends at ${file.offset}, before ${end}`);
    file.hash.update(buffer.subarray(0, count));
    file.offset += count;
  }
}

function close(id: number): void {
  const file = files.get(id);
  if (file !== undefined) closeSync(file.fd);
  files.delete(id);
}

function finish(id: number, file: Growing, end: number): HashReply {
  advance(file, end);
  return { id, digest: file.hash.digest("hex") };
}

parentPort?.on("message", (message: unknown) => {
  const request = decodeHashRequest(message, "request");
  const { id } = request;
  try {
    if (request.verb === "open") {
      files.set(id, { fd: openSync(request.path, "r"), hash: createHash("sha256"), offset: 0 });
      return;
    }
    const file = files.get(id);
    if (request.verb === "advance" && file !== undefined) advance(file, request.end);
    if (request.verb === "finish")
      parentPort?.postMessage(
        file === undefined ? { id, error: "its file could not be read" } : finish(id, file, request.end),
      );
    if (request.verb !== "advance") close(id);
  } catch (error) {
    close(id);
    if (request.verb === "finish") parentPort?.postMessage({ id, error: String(error) } satisfies HashReply);
  }
});
