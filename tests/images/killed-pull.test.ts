// A daemon that is killed in a pull's last tenth downloads that tenth only when it is asked again.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempDisposable, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEngine } from "../system/engine.ts";
import { must, startBackground } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { skip } from "./unpacker.ts";

const SIZE = 20 << 20;

test("a pull that was killed at nine tenths downloads little more than the last tenth again", {
  skip,
}, async () => {
  await using engine = await startEngine();
  await using registry = await startRegistry(engine.netns);
  await using folder = await mkdtempDisposable(join(tmpdir(), "gantry-killed-"));
  const program = join(import.meta.dirname, "stalling-proxy.ts");
  await using undo = new AsyncDisposableStack();
  const proxy = startBackground([process.execPath, program, "5010", "5000"], { netns: engine.netns });
  undo.defer(() => proxy.end());
  await proxy.line(/^listening$/);

  await writeFile(join(folder.path, "random"), randomBytes(SIZE));
  await must(["tar", "-C", folder.path, "-cf", join(folder.path, "layer.tar"), "random"]);
  const name = `${registry.address}/app:1`;
  await engine.docker("import", join(folder.path, "layer.tar"), name);
  await engine.docker("push", name);
  await engine.docker("rmi", "-f", name);
  const ingests = join(engine.dir, "root/containerd/content/ingest");
  await until(
    async () => (await readdir(join(engine.dir, "root/containerd/content/blobs/sha256"))).length === 0,
  );

  const pulling = engine.tryDocker(["pull", "127.0.0.1:5010/app:1"]);
  await proxy.line(/^stalled$/);
  const held = async (): Promise<number> => {
    const sizes = await Promise.all(
      (await readdir(ingests)).map(async (file) => (await stat(join(ingests, file))).size),
    );
    return Math.max(0, ...sizes);
  };
  await until(async () => (await held()) > SIZE * 0.86);
  await engine.kill();
  assert.notEqual((await pulling).code, 0);
  await engine.restart();
  assert.match(await engine.docker("pull", "127.0.0.1:5010/app:1"), /Downloaded newer image/);
  const sent = Number(/sent (\d+)/.exec(proxy.output())?.[1]);
  assert.ok(sent > 0 && sent < SIZE * 0.15, `${sent} of ${SIZE} bytes were sent again`);
});
