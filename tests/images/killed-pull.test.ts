// A daemon that is killed in a pull's last tenth downloads exactly what it had not when it is asked again.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempDisposable, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEngine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { startFaultProxy } from "./faults.ts";
import { skip } from "./unpacker.ts";

const SIZE = 20 << 20;
/** Bytes of a download are written in pieces of this size. */
const PIECE = 512 << 10;

test("a pull that was killed at nine tenths downloads the rest, to the byte", { skip }, async () => {
  await using engine = await startEngine();
  await using registry = await startRegistry(engine.netns);
  await using folder = await mkdtempDisposable(join(tmpdir(), "gantry-killed-"));
  await using undo = new AsyncDisposableStack();
  const proxy = await startFaultProxy(engine.netns, { port: 5010, upstream: registry.address }, [
    { on: "^GET .*/blobs/", larger: SIZE, what: { kind: "stall", share: 0.9 } },
  ]);
  undo.defer(() => proxy.end());

  await writeFile(join(folder.path, "random"), randomBytes(SIZE));
  await must(["tar", "-C", folder.path, "-cf", join(folder.path, "layer.tar"), "random"]);
  const name = `${registry.address}/app:1`;
  await engine.docker("import", join(folder.path, "layer.tar"), name);
  await engine.docker("push", name);
  await engine.docker("rmi", "-f", name);
  const files = (kind: string): string => join(engine.dir, "root/containerd/content", kind);
  await until(async () => (await readdir(files("blobs/sha256"))).length === 0);

  const pulling = engine.tryDocker(["pull", `${proxy.address}/app:1`]);
  await proxy.line(/^stalled$/);
  const held = async (): Promise<number> => {
    const ingests = await readdir(files("ingest"));
    const sizes = await Promise.all(
      ingests.map(async (one) => (await stat(join(files("ingest"), one))).size),
    );
    return Math.max(0, ...sizes);
  };
  await until(async () => (await held()) >= SIZE * 0.9 - PIECE);
  await engine.kill();
  assert.notEqual((await pulling).code, 0);
  const before = await held();
  await engine.restart();
  assert.match(await engine.docker("pull", `${proxy.address}/app:1`), /Downloaded newer image/);

  const answers = proxy
    .passed()
    .map((line) => / (20[06]) (\d+)\/(\d+)$/.exec(line)?.slice(1).map(Number) ?? []);
  const [, , total = 0] = answers.find(([status, , size = 0]) => status === 200 && size > SIZE) ?? [];
  const [status, sent = 0] = answers.at(-1) ?? [];
  assert.deepEqual([status, sent], [206, total - before]);
  assert.ok(sent <= total * 0.1 + PIECE, `${sent} of ${total} bytes were sent again`);
});
