// Options whose whole effect only a real container shows.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { must } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

describe("options of run", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());

  test("--ipc host shares the host's memory and message queues, whether or not those are mounted there", async () => {
    const own = await must(["readlink", "/proc/self/ns/ipc"]);
    const script = "readlink /proc/self/ns/ipc; test -d /dev/shm; ls -d /dev/mqueue";
    const shared = await engine.docker("run", "--rm", "--ipc", "host", "busybox", "sh", "-ec", script);
    assert.equal(shared.trim(), `${own.trim()}\n/dev/mqueue`);
  });

  test("a read-only bind is read-only for what is mounted below it, unless that is to stay writable", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gantry-rro-"));
    const below = join(directory, "below");
    await mkdir(below);
    await must(["mount", "-t", "tmpfs", "tmpfs", below]);
    try {
      const bind = `type=bind,source=${directory},target=/d,readonly`;
      const write = async (mount: string) =>
        (await engine.tryDocker(["run", "--rm", "--mount", mount, "busybox", "touch", "/d/below/x"])).code;
      assert.equal(await write(bind), 1);
      assert.equal(await write(`${bind},bind-recursive=writable`), 0);
    } finally {
      await must(["umount", below]);
      await rm(directory, { recursive: true });
    }
  });

  test("ps shows the short id of an image whose name was given to another one", async () => {
    await engine.docker("tag", "busybox", "moving");
    const id = (await engine.docker("create", "--name", "old", "moving", "true")).trim();
    const image = async () =>
      (await engine.docker("ps", "-a", "--filter", `id=${id}`, "--format", "{{.Image}}")).trim();
    assert.equal(await image(), "moving");
    await engine.docker("rmi", "-f", "moving");
    const imageId = (await engine.docker("inspect", "--format", "{{.Image}}", id)).trim();
    assert.equal(await image(), imageId.slice("sha256:".length, "sha256:".length + 12));
    await engine.docker("rm", id);
  });

  test("a volume gets what the image has at its mount point", async () => {
    const listed = await engine.docker("run", "--rm", "-v", "filled:/etc", "busybox", "cat", "/etc/group");
    assert.match(listed, /^wheel:/m);
    await engine.docker("volume", "rm", "filled");
  });
});
