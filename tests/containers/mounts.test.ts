// Mounts of images and of parts of volumes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";

describe("mounts of images and parts of volumes", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const run = (mount: string, script: string) =>
    engine.tryDocker(["run", "--rm", "--mount", mount, "busybox", "sh", "-c", script]);
  const staged = (): boolean =>
    readFileSync("/proc/self/mountinfo", "utf8").includes(`${engine.dir}/root/containers/`);

  test("an image's files are there and cannot be changed", async () => {
    const { stdout, stderr } = await run("type=image,src=busybox,dst=/img", "ls /img/bin/sh; touch /img/x");
    assert.equal(stdout, "/img/bin/sh\n");
    assert.match(stderr, /Read-only file system/);
    assert.equal(staged(), false);
  });

  test("an image that is mounted keeps its files when its name goes", async () => {
    await engine.docker("tag", "busybox", "other");
    const mount = "type=image,src=other,dst=/img,image-subpath=bin";
    const id = await engine.docker("create", "--mount", mount, "busybox", "ls", "/img/sh");
    await engine.docker("rmi", "-f", "other");
    assert.equal(await engine.docker("start", "-a", id), "/img/sh");
    await engine.docker("rm", id);
  });

  test("a part of a volume is mounted, and no symlink leads out of it", async () => {
    const make = "mkdir -p /v/a/b; echo kept >/v/a/b/f; ln -s /etc /v/out; ln -s ../../../../.. /v/up";
    await run("type=volume,src=parts,dst=/v", make);
    const part = (path: string) => run(`type=volume,src=parts,dst=/m,volume-subpath=${path}`, "ls /m");
    assert.equal((await part("a/b")).stdout, "f\n");
    assert.equal((await part("up")).stdout, "a\nout\nup\n");
    for (const [path, message] of [
      ["out", /cannot access path .*\/parts\/_data\/out: no such file or directory/],
      ["nosuch", /cannot access path .*\/parts\/_data\/nosuch: no such file or directory/],
      ["../x", /subpath must be a relative path within the volume/],
    ] as const) {
      const { code, stderr } = await part(path);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    }
    assert.equal(staged(), false);
    await engine.docker("volume", "rm", "parts");
  });
});
