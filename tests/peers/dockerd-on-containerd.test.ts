// The real dockerd 20.10 on Gantry's containerd layer, as `dockerd --containerd SOCKET` has it: tasks, execs, events and exits
// are ours; images, layers, networks and logs its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Layer, startLayer } from "../containerd/layer.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let layer: Layer;
let peer: Awaited<ReturnType<typeof startPeer>>;
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  layer = undo.use(await startLayer());
  peer = undo.use(await startPeer({ containerd: layer.socket }));
  await importBusybox(peer);
});
after(() => undo.disposeAsync());

const run = (...words: readonly string[]) =>
  peer.tryDocker(["-s", "KILL", "200", "docker", ...words], { program: "timeout" });
const state = (name: string) => peer.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name);

test("dockerd runs a container on it from its making to its end", { skip }, async () => {
  const hello = await run("run", "--rm", "busybox", "echo", "Hello World");
  assert.deepEqual(hello, { code: 0, stdout: "Hello World\n", stderr: "" });
  const failed = await run("run", "--rm", "busybox", "sh", "-c", "echo told; echo more >&2; exit 7");
  assert.deepEqual(failed, { code: 7, stdout: "told\n", stderr: "more\n" });
  const fed = await peer.tryDocker(["run", "-i", "--rm", "busybox", "cat"], { input: "passed\n" });
  assert.deepEqual(fed, { code: 0, stdout: "passed\n", stderr: "" });
  const terminal = await run("run", "--rm", "-t", "busybox", "tty");
  assert.deepEqual([terminal.code, terminal.stdout], [0, "/dev/pts/0\r\n"]);
  assert.equal(await layer.ctr("-n", "moby", "containers", "ls", "-q"), "");
});

test("a program that is not there, or cannot be executed, is told as by runc", { skip }, async () => {
  const missing = await run("run", "--rm", "busybox", "/nowhere");
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /exec: "\/nowhere": stat \/nowhere: no such file or directory/);
  const unnamed = await run("run", "--rm", "busybox", "nowhere");
  assert.equal(unnamed.code, 127);
  assert.match(unnamed.stderr, /exec: "nowhere": executable file not found in \$PATH/);
  const data = await run("run", "--rm", "busybox", "/etc/passwd");
  assert.equal(data.code, 126);
  assert.match(data.stderr, /exec: "\/etc\/passwd": permission denied/);
});

test("logs, exec, top, stats, pause, update, stop, restart and kill reach it", { skip }, async () => {
  const trap = 'trap "exit 3" TERM; echo started; while :; do sleep 0.1; done';
  const id = await peer.docker("run", "-d", "--name", "long", "-m", "64m", "busybox", "sh", "-c", trap);
  assert.match(await layer.ctr("-n", "moby", "tasks", "ls"), new RegExp(`^${id}\\s+\\d+\\s+RUNNING`, "m"));
  const exec = await run("exec", "long", "sh", "-c", "echo inside; exit 5");
  assert.deepEqual([exec.code, exec.stdout], [5, "inside\n"]);
  assert.deepEqual(await peer.tryDocker(["exec", "-i", "long", "cat"], { input: "passed\n" }), {
    code: 0,
    stdout: "passed\n",
    stderr: "",
  });
  assert.equal((await run("exec", "-t", "long", "tty")).stdout, "/dev/pts/0\r\n");
  const absent = await run("exec", "long", "/nowhere");
  assert.match(absent.stderr + absent.stdout, /OCI runtime exec failed: .*"\/nowhere".*no such file/);
  assert.match((await run("top", "long")).stdout, /sh -c trap/);
  assert.match(await peer.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "long"), /\/ 64MiB$/);
  await peer.docker("pause", "long");
  assert.match(await peer.docker("ps", "--format", "{{.Status}}"), /Paused/);
  await peer.docker("unpause", "long");
  await peer.docker("update", "-m", "128m", "--memory-swap", "256m", "long");
  assert.match(await peer.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "long"), /\/ 128MiB$/);
  await peer.docker("stop", "long");
  assert.equal(await state("long"), "exited 3");
  await peer.docker("start", "long");
  await peer.docker("restart", "-t", "1", "long");
  assert.equal(await peer.docker("logs", "long"), "started\nstarted\nstarted");
  await peer.docker("kill", "long");
  assert.equal(await state("long"), "exited 137");
  await peer.docker("rm", "long");
});

test("a restart policy, an end for memory and a removal by force", { skip }, async () => {
  await peer.docker("run", "-d", "--name", "again", "--restart", "on-failure:2", "busybox", "false");
  const ended = (): Promise<string> =>
    peer.docker("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "again");
  while ((await ended()) !== "2 exited");
  await peer.docker("rm", "again");
  const killed = await run(
    "run",
    "--name",
    "hungry",
    "-m",
    "16m",
    "--memory-swap",
    "16m",
    "busybox",
    "tail",
    "/dev/zero",
  );
  assert.equal(killed.code, 137);
  assert.equal(await peer.docker("inspect", "-f", "{{.State.OOMKilled}}", "hungry"), "true");
  await peer.docker("rm", "hungry");
  await peer.docker("run", "-d", "--name", "forced", "busybox", "sleep", "1000");
  await peer.docker("rm", "-f", "forced");
  assert.equal(await layer.ctr("-n", "moby", "tasks", "ls", "-q"), "");
  assert.equal(await layer.ctr("-n", "moby", "containers", "ls", "-q"), "");
});

test("a crash of the layer ends no container, and dockerd goes on with it", { skip }, async () => {
  await peer.docker(
    "run",
    "-d",
    "--name",
    "survivor",
    "busybox",
    "sh",
    "-c",
    "trap 'exit 4' TERM; sleep 1000 & wait",
  );
  await layer.crash();
  assert.equal(await state("survivor"), "running 0");
  // dockerd connects again in its own time; a stop meanwhile would kill.
  while ((await run("exec", "survivor", "true")).code !== 0);
  await peer.docker("stop", "survivor");
  assert.equal(await state("survivor"), "exited 4");
  await peer.docker("rm", "survivor");
});
