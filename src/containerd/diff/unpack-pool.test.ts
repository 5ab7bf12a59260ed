import assert from "node:assert/strict";
import { test } from "node:test";
import { UnpackPool } from "./unpack-pool.ts";

/** A worker that ends at a job with the blob "bad" and has done any other at once. */
const script = `
  const { parentPort } = require("node:worker_threads");
  parentPort.on("message", ({ job }) => {
    if (job.blob === "bad") process.exit(0);
    parentPort.postMessage({ kind: "done", digest: job.blob, size: 1, fileSize: 1 });
  });`;

test("a worker that ended gets no further job", async () => {
  const workerUrl = new URL(
    `data:text/javascript,import{createRequire}from"node:module";const require=createRequire("/");${encodeURIComponent(script)}`,
  );
  await using pool = new UnpackPool({ workerUrl, executorSocket: "", maxWorkers: 1, idleMs: 60_000 });
  const { signal } = new AbortController();
  const run = (blob: string) =>
    pool.run({ blob, mounts: [], target: "", maxSize: 1, maxRatio: 0 }, () => undefined, signal);
  await assert.rejects(run("bad"), /the unpack worker ended/);
  assert.equal((await run("good")).digest, "good");
  assert.equal((await run("again")).digest, "again");
});
