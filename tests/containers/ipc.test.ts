// --ipc: whose shared memory a container has.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";

describe("--ipc", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine({ config: { "live-restore": true } });
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const mounts = (): number =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(`${engine.dir}/root/containers/`)).length;

  test("containers share memory and namespace with their donor, also after the daemon crashed", async () => {
    const script = "echo given >/dev/shm/f; exec sleep 1000";
    const donor = await engine.docker("run", "-d", "--ipc", "shareable", "busybox", "sh", "-c", script);
    const join = (...command: string[]) =>
      engine.docker("run", "--rm", "--ipc", `container:${donor}`, "busybox", ...command);
    const namespace = ["readlink", "/proc/self/ns/ipc"];
    assert.equal(await join("cat", "/dev/shm/f"), "given");
    assert.equal(await join(...namespace), await engine.docker("exec", donor, ...namespace));
    await engine.kill();
    await engine.restart();
    assert.equal(await join("cat", "/dev/shm/f"), "given");
    assert.equal(mounts(), 1);
    await engine.docker("rm", "-f", donor);
    assert.equal(mounts(), 0);
  });

  test("a mount of a container that ended while no daemon was there goes at the next start", async () => {
    const donor = await engine.docker("run", "-d", "--ipc", "shareable", "busybox", "sleep", "1000");
    const pid = Number(await engine.docker("inspect", "-f", "{{.State.Pid}}", donor));
    await engine.kill();
    process.kill(pid, "SIGKILL");
    assert.equal(mounts(), 1);
    await engine.restart();
    assert.equal(mounts(), 0);
    await engine.docker("rm", donor);
  });

  test("an unknown donor is told at creation", async () => {
    const { code, stderr } = await engine.tryDocker(["create", "--ipc", "container:nosuch", "busybox"]);
    assert.equal(code, 1);
    assert.match(stderr, /No such container: nosuch/);
  });
});
