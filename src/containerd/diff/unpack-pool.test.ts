import assert from "node:assert/strict";
import { test } from "node:test";
import { UnpackPool } from "./unpack-pool.ts";

/** A worker that ends at a job with the blob "bad", remembers ever more at "many", and has done any other at once. */
const script = `
  const { parentPort } = require("node:worker_threads");
  parentPort.on("message", ({ job }) => {
    if (job.blob === "bad") process.exit(0);
    for (const all = []; job.blob === "many"; ) all.push({ name: "entry" + all.length });
    parentPort.postMessage({ kind: "done", digest: job.blob, size: 1, fileSize: 1 });
  });`;

const workerUrl = new URL(
  `data:text/javascript,import{createRequire}from"node:module";const require=createRequire("/");${encodeURIComponent(script)}`,
);
const options = { workerUrl, executorSocket: "", maxWorkers: 1, idleMs: 60_000 };
const { signal } = new AbortController();
const runOn = (pool: UnpackPool) => (blob: string) =>
  pool.run({ blob, mounts: [], target: "", maxSize: 1, maxRatio: 0 }, () => undefined, signal);

test("a worker that ended gets no further job", async () => {
  await using pool = new UnpackPool(options);
  const run = runOn(pool);
  await assert.rejects(run("bad"), /the unpack worker ended/);
  assert.equal((await run("good")).digest, "good");
  assert.equal((await run("again")).digest, "again");
});

test("a layer that takes too much memory ends its worker, and the next goes on", async () => {
  await using pool = new UnpackPool({ ...options, maxHeapMiB: 32 });
  const run = runOn(pool);
  await assert.rejects(run("many"), /too many entries: out of memory/);
  assert.equal((await run("good")).digest, "good");
});
