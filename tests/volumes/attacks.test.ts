// Containers that lead the engine astray by what they share: volumes whose directories turn into symlinks, and the engine's own root.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { run } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const TRIES = 12;
const gantry = join(import.meta.dirname, "../../bin/gantry");

describe("volumes that turn against the engine", { skip }, () => {
  let engine: Engine;
  let outside: string;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
    outside = join(engine.dir, "outside");
    mkdirSync(join(outside, "b"), { recursive: true });
    writeFileSync(join(outside, "secret"), "of the host");
  });
  after(() => engine[Symbol.asyncDispose]());

  /** Of the host, but for the mounts of containers that run. */
  const mounts = (): readonly string[] =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((path) => path.startsWith(`${engine.dir}/`) && !path.startsWith(`${engine.dir}/exec/`));

  /** A container that exchanges a directory of the volume for a symlink to a directory of the host, without end. */
  async function startFlipping(volume: string): Promise<void> {
    const flip = `ln -s ${outside} link; mkdir -p dir/b; while true; do mv dir a; mv a dir; mv link a; mv a link; done`;
    const script = `cd /v; mkdir -p a; rmdir a; ${flip}`;
    await engine.docker(
      "run",
      "-d",
      "--name",
      "flipper",
      "-v",
      `${volume}:/v`,
      "busybox",
      "sh",
      "-c",
      script,
    );
  }
  async function endFlipping(volume: string): Promise<void> {
    await engine.docker("rm", "-f", "flipper");
    await engine.docker("volume", "rm", volume);
    assert.deepEqual(readdirSync(outside).sort(), ["b", "secret"]);
    assert.deepEqual(readdirSync(join(outside, "b")), []);
  }

  test("the part of a volume that a container gets is never the host's", async () => {
    await startFlipping("parts");
    const mount = "type=volume,src=parts,dst=/m,volume-subpath=a";
    for (let at = 0; at < TRIES; at++) {
      const { stdout } = await engine.tryDocker([
        "run",
        "--rm",
        "--mount",
        mount,
        "busybox",
        "ls",
        "-a",
        "/m",
      ]);
      assert.doesNotMatch(stdout, /secret/);
    }
    await endFlipping("parts");
  });

  test("what is mounted within a shared volume is not mounted or made outside of it", async () => {
    await startFlipping("shared");
    const before = mounts();
    for (let at = 0; at < TRIES; at++)
      await engine.tryDocker([
        "run",
        "--rm",
        "-v",
        "shared:/s",
        "-v",
        `inner:/s/a/new${at}`,
        "busybox",
        "true",
      ]);
    await until(async () => mounts().join() === before.join()); // soon after the last answer
    assert.ok(mounts().join() === before.join());
    await endFlipping("shared");
    await engine.docker("volume", "rm", "inner");
  });

  test("an export of a volume whose owner does not pause holds nothing but the volume's", async () => {
    await startFlipping("copied");
    for (let at = 0; at < TRIES; at++) {
      const words = [gantry, "volume", "export", "--pause=false", "copied"];
      const { stdout } = await run(words, { netns: engine.netns, env: { DOCKER_HOST: engine.host } });
      assert.doesNotMatch(stdout, /of the host/);
    }
    await endFlipping("copied");
  });

  test("who has the engine's own root mounted does not keep its mounts from going", async () => {
    const root = join(engine.dir, "root");
    await engine.docker("run", "-d", "--name", "looker", "-v", `${root}:/root`, "busybox", "sleep", "600");
    await engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "fast");
    await engine.docker(
      "run",
      "--rm",
      "-v",
      "fast:/d",
      "--mount",
      "type=image,src=busybox,dst=/i",
      "busybox",
      "true",
    );
    await until(async () => mounts().length === 0); // soon after the answer
    assert.ok(mounts().length === 0);
    assert.equal(
      await engine.docker("exec", "looker", "sh", "-c", "grep -c ' /root/' /proc/mounts || true"),
      "0",
    );
    const refused = await engine.tryDocker(["run", "--rm", "-v", `${root}:/r:rprivate`, "busybox", "true"]);
    assert.match(refused.stderr, /must use either propagation mode "rslave" or "rshared"/);
    await engine.docker("volume", "rm", "fast");
    await engine.docker("rm", "-f", "looker");
  });
});
