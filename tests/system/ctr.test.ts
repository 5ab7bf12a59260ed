// The real ctr beside the real docker client, on the socket under the daemon's exec root.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startPeer } from "./peer.ts";
import { must, type Result, run } from "./process.ts";
import { startRegistry } from "./registry.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
let image: string;
let id: string;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await using registry = await startRegistry(engine.netns);
  image = `${registry.address}/busybox:v1`;
  {
    await using peer = await startPeer({ netns: engine.netns });
    await importBusybox(peer, image);
    await peer.docker("push", image);
  }
  await engine.docker("pull", image);
  id = await engine.docker(
    "run",
    "-d",
    image,
    "sh",
    "-c",
    "trap 'exit 3' TERM; while true; do sleep 0.1; done",
  );
});
after(async () => {
  if (skip) return;
  await engine.tryDocker(["rm", "-f", id]);
  await engine[Symbol.asyncDispose]();
});

const command = (args: readonly string[]): readonly string[] => [
  "ctr",
  "--address",
  `${engine.dir}/exec/containerd.sock`,
  "--namespace",
  "moby",
  ...args,
];
const ctr = (...args: readonly string[]): Promise<string> => must(command(args));
const tryCtr = (...args: readonly string[]): Promise<Result> => run(command(args));

test("ctr sees what docker pulled and runs", { skip }, async () => {
  const [digest = ""] =
    (await engine.docker("inspect", "-f", "{{index .RepoDigests 0}}", image)).match(/sha256:\w+/) ?? [];
  assert.match(await ctr("version"), /Server:\n {2}Version: {2}1\.7/);
  assert.match(await ctr("namespaces", "ls"), /^moby\s/m);
  assert.match(await ctr("images", "ls"), new RegExp(`^${image}\\s+\\S+\\s+${digest}\\s`, "m"));
  assert.match(await ctr("images", "check"), /complete \(2\/2\)/);
  assert.match(await ctr("content", "ls"), new RegExp(`^${digest}\\s`, "m"));
  const snapshots = await ctr("snapshots", "ls");
  assert.match(snapshots, new RegExp(`^${id}\\s+sha256:\\w{64}\\s+Active`, "m"));
  assert.match(snapshots, /^sha256:\w{64}\s+Committed/m);
  assert.match(
    await ctr("containers", "ls"),
    new RegExp(`^${id}\\s+\\S*\\s+io\\.containerd\\.runc\\.v2`, "m"),
  );
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", id);
  assert.match(await ctr("tasks", "ls"), new RegExp(`^${id}\\s+${pid}\\s+RUNNING`, "m"));
  assert.match(await ctr("tasks", "ps", id), new RegExp(`^${pid}\\s`, "m"));
  assert.match(await ctr("leases", "ls"), /^ID/);
});

test("ctr runs the image that docker pulled, and docker does not mind", { skip }, async () => {
  const hello = await tryCtr("run", "--rm", image, "guest", "echo", "Hello", "World");
  assert.deepEqual(hello, { code: 0, stdout: "Hello World\n", stderr: "" });
  const failed = await tryCtr("run", "--rm", image, "guest", "sh", "-c", "echo bad >&2; exit 7");
  assert.deepEqual(failed, { code: 7, stdout: "", stderr: "bad\n" });
  assert.equal(await engine.docker("ps", "-aq", "--no-trunc"), id);
  assert.equal((await ctr("tasks", "ls", "-q")).trim(), id);
});

test("ctr executes in docker's container and says how it ended", { skip }, async () => {
  const exec = await tryCtr("tasks", "exec", "--exec-id", "one", id, "sh", "-c", "echo inside; exit 4");
  assert.deepEqual([exec.code, exec.stdout], [4, "inside\n"]);
  const hostname = await ctr("tasks", "exec", "--exec-id", "two", id, "hostname");
  assert.equal(hostname.trim(), id.slice(0, 12));
});

test("a container that ctr pauses goes on", { skip }, async () => {
  await ctr("tasks", "pause", id);
  assert.match(await ctr("tasks", "ls"), new RegExp(`^${id}\\s+\\d+\\s+PAUSED`, "m"));
  await ctr("tasks", "resume", id);
  assert.equal(await engine.docker("exec", id, "echo", "goes on"), "goes on");
});

test("docker notices that ctr has killed its container, and starts it again", { skip }, async () => {
  const ended = engine.docker("wait", id);
  await ctr("tasks", "kill", id);
  assert.equal(await ended, "3");
  assert.equal(await engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", id), "exited 3");
  await engine.docker("start", id);
  assert.match(await ctr("tasks", "ls"), new RegExp(`^${id}\\s+\\d+\\s+RUNNING`, "m"));
});

test("the socket is gone with the daemon", { skip }, async () => {
  await using short = await startEngine();
  const socket = `${short.dir}/exec/containerd.sock`;
  await short.daemon.line(/completed initialization/);
  assert.ok(existsSync(socket));
  await short.stop();
  assert.equal(existsSync(socket), false);
});
