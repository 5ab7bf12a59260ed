// Pulls at the same time that need the same layer.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { FakeRegistry } from "./fake-registry.ts";
import { startDaemon } from "./hashing-daemon.ts";
import { pull } from "./pulling.ts";
import { file } from "./unpacker.ts";

test("a pull that fails takes no layer from one that has joined its download", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const shared = [file("shared", randomBytes(1_500_000).toString("hex"))];
  const bad = registry.addImage("bad", [shared, [file("bad")]]);
  const good = registry.addImage("good", [shared, [file("good")]]);
  const [digest = "", spoiled = ""] = bad.layers.map((layer) => layer.digest);
  registry.spoilBlob(spoiled, Buffer.alloc(registry.blob(spoiled).length));
  const failed = Promise.withResolvers<void>();
  const joined = Promise.withResolvers<void>();
  let served = 0;
  registry.intercept = ({ path, response }) => {
    if (path.endsWith(spoiled)) void joined.promise.then(() => response.end(registry.blob(spoiled)));
    if (path.endsWith(spoiled)) return true;
    if (!path.endsWith(digest)) return false;
    served++;
    const bytes = registry.blob(digest);
    response.writeHead(200, { "Content-Length": bytes.length });
    response.write(bytes.subarray(0, 1_000_000));
    void failed.promise.then(() => response.end(bytes.subarray(1_000_000)));
    return true;
  };
  const losing = pull(daemon, `${registry.address}/app:bad`);
  const winning = pull(daemon, `${registry.address}/app:good`, {
    onMessage: ({ status, id = "" }) => {
      if (status === "Download complete" && id === good.layers[1]?.digest.slice(7, 19)) joined.resolve();
    },
  });
  await assert.rejects(losing, /verification failed/);
  failed.resolve();
  await winning;
  assert.equal(served, 1, "the download went on");
});

test("several pulls of one layer download it once", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const base = [file("base", "x".repeat(100_000))];
  const { layers } = registry.addImage("one", [base]);
  registry.addImage("two", [base, [file("more")]]);
  await Promise.all(["one", "two", "one"].map((tag) => pull(daemon, `${registry.address}/app:${tag}`)));
  const digest = layers[0]?.digest ?? "";
  assert.equal(registry.blobRequests.filter((request) => request.includes(digest)).length, 1);
});
