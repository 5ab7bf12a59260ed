// kill -9 of the daemon: what DESIGN promises about containers, logs, exit codes and half-made things.

import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type ContainerdMode, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { until } from "./until.ts";

/** Processes whose command line names the folder. */
const naming = (folder: string): readonly string[] =>
  globSync("/proc/[0-9]*/cmdline").filter((file) => commandIn(file).includes(folder));

function commandIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

const skip = process.getuid?.() !== 0 && "needs root";

/** Resolves when no process has this pid any more. */
async function ended(pid: string): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
}

export function survivalSuite(mode: ContainerdMode): void {
  describe(`containerd in its ${mode} process`, () => survivalTests(mode));
}

function survivalTests(mode: ContainerdMode): void {
  let engine: Engine;
  before(async () => {
    if (skip) return;
    engine = await startEngine({ containerd: mode });
    await importBusybox(engine);
  });
  after(async () => engine?.[Symbol.asyncDispose]());

  /** Pids of a container's init and of its shim, which is the init's parent. */
  async function processesOf(name: string): Promise<{ readonly init: number; readonly shim: number }> {
    const init = Number(await engine.docker("inspect", "-f", "{{.State.Pid}}", name));
    const status = await readFile(`/proc/${init}/status`, "utf8");
    return { init, shim: Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]) };
  }

  test("a running container survives kill -9 of the daemon, and its log goes on", { skip }, async () => {
    const script = "i=0; while true; do echo line $i; i=$((i+1)); sleep 0.05; done";
    await engine.docker("run", "-d", "--name", "ticker", "busybox", "sh", "-c", script);
    const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "ticker");
    await engine.kill();
    assert.ok(existsSync(`/proc/${pid}`), "the container's process lives on");
    await engine.restart();
    assert.equal(
      await engine.docker("inspect", "-f", "{{.State.Running}} {{.State.Pid}}", "ticker"),
      `true ${pid}`,
    );
    const lines = (await engine.docker("logs", "ticker")).split("\n");
    assert.deepEqual(
      lines,
      lines.map((_, index) => `line ${index}`),
    );
    assert.equal(await engine.docker("exec", "ticker", "echo", "still here"), "still here");
    await engine.docker("rm", "-f", "ticker");
  });

  test("a shim that does not answer holds up its own container only", { skip }, async () => {
    await engine.docker("run", "-d", "--name", "stuck", "busybox", "sleep", "999");
    await engine.docker("run", "-d", "--name", "beside", "busybox", "sleep", "999");
    const { init, shim } = await processesOf("stuck");
    process.kill(shim, "SIGSTOP");
    await engine.kill();
    await engine.restart();
    assert.equal(await engine.docker("exec", "beside", "echo", "works"), "works");
    assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "new"), "new");
    assert.equal(await engine.docker("inspect", "-f", "{{.State.Running}}", "stuck"), "true");
    process.kill(shim, "SIGCONT");
    while ((await engine.tryDocker(["exec", "stuck", "true"])).code !== 0) await setTimeout(20);
    assert.ok(existsSync(`/proc/${init}`), "the container has lived on");
    await engine.docker("rm", "-f", "stuck", "beside");
    await Promise.all([ended(String(init)), ended(String(shim))]);
  });

  test("a container whose shim does not answer can be removed", { skip }, async () => {
    await engine.docker("run", "-d", "--name", "stuck", "busybox", "sleep", "999");
    const { init, shim } = await processesOf("stuck");
    process.kill(shim, "SIGSTOP");
    await engine.kill();
    await engine.restart();
    await engine.docker("rm", "-f", "stuck");
    await Promise.all([ended(String(init)), ended(String(shim))]);
    assert.equal(await engine.docker("ps", "-aq"), "");
  });

  test("a container whose shim does not answer can be stopped", { skip }, async () => {
    await engine.docker("run", "-d", "--name", "stuck", "busybox", "sleep", "999");
    const { init, shim } = await processesOf("stuck");
    process.kill(shim, "SIGSTOP");
    assert.equal(await engine.docker("stop", "stuck"), "stuck");
    await Promise.all([ended(String(init)), ended(String(shim))]);
    assert.equal(await engine.docker("wait", "stuck"), "137");
    await engine.docker("rm", "stuck");
  });

  test("a container whose shim is killed ends with it", { skip }, async () => {
    await engine.docker("run", "-d", "--name", "orphan", "busybox", "sleep", "999");
    const { init, shim } = await processesOf("orphan");
    process.kill(shim, "SIGKILL");
    await ended(String(init));
    assert.equal(await engine.docker("wait", "orphan"), "255");
    await engine.docker("rm", "orphan");
  });

  test("an exit that happened while no daemon ran is reported with its code", { skip }, async () => {
    await engine.docker(
      "run",
      "-d",
      "--name",
      "late",
      "busybox",
      "sh",
      "-c",
      "while [ ! -e /stop ]; do sleep 0.05; done; exit 42",
    );
    const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "late");
    await engine.kill();
    await writeFile(`/proc/${pid}/root/stop`, "");
    await ended(pid);
    await engine.restart();
    assert.equal(
      await engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "late"),
      "exited 42",
    );
    assert.equal(await engine.docker("wait", "late"), "42");
    await engine.docker("rm", "late");
  });

  test("a published port still works after the daemon was killed and started again", { skip }, async () => {
    const serve = "echo hello >/var/www/index.html; exec httpd -f -p 80 -h /var/www";
    await engine.docker("run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sh", "-c", serve);
    await engine.kill();
    await engine.restart();
    const fetched = await engine.docker(
      "run",
      "--rm",
      "--network",
      "host",
      "busybox",
      "wget",
      "-qO-",
      "http://127.0.0.1:8080/",
    );
    assert.equal(fetched, "hello");
    const conflict = await engine.tryDocker(["run", "--rm", "-p", "8080:80", "busybox", "true"]);
    assert.equal(conflict.code, 125);
    assert.match(conflict.stderr, /port is already allocated/);
    await engine.docker("rm", "-f", "web");
  });

  test("a container with --rm that ended without a daemon is removed by the next one", { skip }, async () => {
    const id = await engine.docker(
      "run",
      "-d",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "while [ ! -e /stop ]; do sleep 0.05; done",
    );
    const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", id);
    await engine.kill();
    await writeFile(`/proc/${pid}/root/stop`, "");
    await ended(pid);
    await engine.restart();
    await engine.tryDocker(["wait", id]);
    assert.equal(await engine.docker("ps", "-aq", "--no-trunc", "--filter", `id=${id}`), "");
  });

  test("killing the daemon while it creates containers leaves only whole ones", { skip }, async () => {
    const starts = Array.from({ length: 8 }, () =>
      engine.tryDocker(["run", "-d", "busybox", "sleep", "999"]),
    );
    await Promise.race(starts);
    await engine.kill();
    const promised = (await Promise.all(starts))
      .filter(({ code }) => code === 0)
      .map(({ stdout }) => stdout.trim());
    await engine.restart();
    const known = (await engine.docker("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
    for (const id of promised)
      assert.ok(known.includes(id), "a container that the client was told of is there");
    for (const id of known) {
      const status = await engine.docker("inspect", "-f", "{{.State.Status}}", id);
      assert.match(status, /^(created|running|exited)$/);
      await engine.docker("rm", "-f", id);
    }
    const tasks = join(engine.dir, mode === "own" ? "exec/tasks/moby" : "containerd-state/tasks/moby");
    const left = (): readonly string[] => [
      ...(existsSync(tasks) ? readdirSync(tasks) : []),
      ...naming(tasks),
    ];
    // A removal answers when the name is free; the files go right after. A shim that lost its folder would stay for ever.
    await until(() => left().length === 0);
    assert.deepEqual(left(), []);
  });
}
