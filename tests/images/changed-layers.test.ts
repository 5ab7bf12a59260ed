// What a pull costs after some of an image's layers have changed: those, the configuration and the manifest, and not a byte more.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { FakeRegistry } from "./fake-registry.ts";
import { startDaemon } from "./hashing-daemon.ts";
import { pull } from "./pulling.ts";
import { file, type LayerEntry } from "./unpacker.ts";

const LAYERS = 10;
const makeLayer = (): readonly LayerEntry[] => [file("a", randomBytes(50_000).toString("hex"))];

for (const [which, changed] of [
  ["topmost", LAYERS - 1],
  ["lowest", 0],
] as const)
  test(`a pull after the ${which} of ten layers has changed downloads that layer and two documents`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const entries = Array.from({ length: LAYERS }, makeLayer);
    registry.addImage("latest", entries);
    await pull(daemon, `${registry.address}/app`);
    const { manifest, config, layers } = registry.addImage("latest", entries.with(changed, makeLayer()));
    registry.requests.length = 0;
    registry.sent = 0;
    await pull(daemon, `${registry.address}/app`);
    const layer = layers[changed];
    assert.ok(layer !== undefined);
    assert.deepEqual(registry.requests, [
      "HEAD /v2/app/manifests/latest",
      `GET /v2/app/manifests/${manifest.digest}`,
      `GET /v2/app/blobs/${config.digest}`,
      `GET /v2/app/blobs/${layer.digest}`,
    ]);
    assert.equal(registry.sent, manifest.size + config.size + layer.size);
  });
