// Pushes and pulls by the real client through a proxy that breaks connections before a real registry, and answers for it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { type Registry, startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "./faults.ts";
import { skip } from "./unpacker.ts";

let engine: Engine;
let registry: Registry;
let folder = "";
let port = 5010;
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-broken-"));
  undo.defer(() => rm(folder, { recursive: true }));
  engine = undo.use(await startEngine());
  registry = undo.use(await startRegistry(engine.netns));
  await writeFile(join(folder, "random"), randomBytes(5 << 20));
  await must(["tar", "-C", folder, "-cf", join(folder, "layer.tar"), "random"]);
});
after(() => undo.disposeAsync());

async function startProxy(...faults: readonly Fault[]): Promise<FaultProxy> {
  const proxy = await startFaultProxy(engine.netns, { port: port++, upstream: registry.address }, faults);
  undo.defer(() => proxy.end());
  return proxy;
}

/** An image of one layer, pushed through the proxy; nothing of it stays here. Returns its name by digest. */
async function push(proxy: FaultProxy, repository: string): Promise<string> {
  const name = `${proxy.address}/${repository}`;
  await engine.docker("import", join(folder, "layer.tar"), `${name}:1`);
  const told = await engine.docker("push", `${name}:1`);
  assert.match(told, / Pushed$/m);
  await removeWhole(`${name}:1`);
  return `${name}@${/digest: (sha256:\w+)/.exec(told)?.[1]}`;
}

/** Nothing else may be here; nor is it after that. */
async function removeWhole(name: string): Promise<void> {
  await engine.docker("rmi", "-f", name);
  using api = openApi(engine.socket);
  const look = async (): Promise<unknown> => Object(await api.ask("POST", "/gantry/check"));
  const empty = { Blobs: 0, Bytes: 0, Snapshots: 0, Images: 0, Leases: 0, Ingests: 0 };
  const isEmpty = async () => Object.values(Object(await look()).Checked).every((count) => count === 0);
  await until(isEmpty);
  assert.deepEqual(await look(), { Checked: empty, Findings: [] });
}

/** "PUT uploads 3000000/5243000 201 0/0": what is about sessions, or has an answer of at least a megabyte. */
const blobRequests = (proxy: FaultProxy): readonly string[] =>
  proxy
    .passed()
    .filter((line) => /^(POST|PUT|PATCH|GET) .*(\/blobs\/uploads\/|\/\d{7}$)/.test(line))
    .map((line) => line.replace(/\/v2\/\S+\/blobs\/(\w+)\S*/, "$1"));

test("an upload whose connection breaks is sent anew where the registry does not go on with it", {
  skip,
}, async () => {
  const cut = { kind: "cut request", after: 3_000_000 } as const;
  const proxy = await startProxy({ on: "^PUT .*/blobs/uploads/", what: cut });
  const name = await push(proxy, "upload");
  const [opened, broken, asked, again, whole, ...ofConfig] = blobRequests(proxy);
  assert.deepEqual([opened, again], Array(2).fill("POST uploads 0/0 202 0/0"));
  assert.match(broken ?? "", /^PUT uploads 3000000\/\d{7} cut$/);
  // 204, with nothing, before it has seen that the connection is gone.
  assert.match(asked ?? "", /^GET uploads 0\/- (404|204) /);
  assert.match(whole ?? "", /^PUT uploads (\d{7})\/\1 201 0\/0$/);
  assert.equal(ofConfig.length, 2);
  const direct = name.replace(proxy.address, registry.address);
  assert.match(await engine.docker("pull", direct), /Downloaded newer image/);
  await removeWhole(direct);
});

test("a download whose connection breaks twice goes on, to the byte", { skip }, async () => {
  const what = { kind: "cut answer", after: 2_000_000 } as const;
  const proxy = await startProxy({ on: "^GET .*/blobs/", larger: 1 << 20, times: 2, what });
  const name = await push(proxy, "download");
  assert.match(await engine.docker("pull", name), /Downloaded newer image/);
  const answers = blobRequests(proxy).filter((line) => line.startsWith("GET"));
  const size = Number(answers[0]?.split("/").at(-1));
  const rest = size - 4_000_000;
  assert.deepEqual(answers, [
    `GET sha256 0/- 200 2000000/${size}`,
    `GET sha256 0/- 206 2000000/${size - 2_000_000}`,
    `GET sha256 0/- 206 ${rest}/${rest}`,
  ]);
  await removeWhole(name);
});

test("a registry in trouble is asked again, and left alone for as long as it says", { skip }, async () => {
  const refuse = (on: string, status: number, times = 1): Fault => ({
    on,
    times,
    what: { kind: "answer", status, headers: { "Retry-After": "0" } },
  });
  const proxy = await startProxy(
    refuse("^POST .*/blobs/uploads/", 429),
    refuse("^PUT .*/blobs/uploads/", 503),
    refuse("^PUT .*/manifests/", 502),
    refuse("^HEAD .*/manifests/", 429, 2),
    refuse("^GET .*/manifests/", 504),
    refuse("^GET .*/blobs/sha256", 429, 3),
  );
  const name = await push(proxy, "trouble");
  assert.match(await engine.docker("pull", name), /Downloaded newer image/);
  const refusals = proxy
    .output()
    .match(/answered \d+/g)
    ?.map((said) => Number(said.slice(-3)));
  assert.deepEqual(refusals, [429, 503, 502, 429, 429, 504, 429, 429, 429]);
  await removeWhole(name);
});
