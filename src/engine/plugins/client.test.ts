import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { PluginClient, RETRY_MS } from "./client.ts";

test("a certificate that is missing is told at once: only one that does not listen is tried again", async () => {
  const tls = { caFile: "/nowhere/ca.pem", certFile: "", keyFile: "", insecure: false };
  const client = new PluginClient({ name: "odd", url: new URL("tcp://127.0.0.1:1"), tls });
  const stop = new AbortController();
  const failure = client
    .call("VolumeDriver.List", {}, stop.signal, RETRY_MS)
    .catch((error: unknown) => error);
  await setImmediate(); // by now it has failed, or waits for the next try
  stop.abort();
  assert.match(String(await failure), /ENOENT.*\/nowhere\/ca\.pem/);
});
