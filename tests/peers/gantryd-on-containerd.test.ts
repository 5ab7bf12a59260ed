// gantryd with --containerd on the socket of a real containerd 1.6: content, images, layers, records and events are containerd's, tasks
// are gantryd's own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must } from "../system/process.ts";
import { startRealContainerd } from "../system/real-containerd.ts";
import { startRegistry } from "../system/registry.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const image = "127.0.0.1:5000/busybox:v1";

let engine: Engine;
let socket: string;
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  socket = undo.use(await startRealContainerd()).socket;
  engine = undo.use(await startEngine({ flags: ["--containerd", socket] }));
  await importBusybox(engine, image);
});
after(() => undo.disposeAsync());

const ctr = (...words: readonly string[]): Promise<string> =>
  must(["ctr", "-a", socket, "-n", "moby", ...words], { netns: engine.netns });
const state = (name: string): Promise<string> =>
  engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name);

test("images of the real containerd are ours, and ours are its", { skip }, async () => {
  await using registry = await startRegistry(engine.netns);
  assert.match(image, new RegExp(`^${registry.address}/`));
  assert.match(await ctr("images", "ls"), new RegExp(`^${image}\\s`, "m"));
  await ctr("images", "push", "--plain-http", image);
  const id = await engine.docker("images", "-q", "--no-trunc", image);
  await engine.docker("rmi", image);
  await engine.docker("pull", image);
  assert.equal(await engine.docker("images", "-q", "--no-trunc", image), id);
  assert.match(await ctr("images", "check"), /complete \(2\/2\)/);
  await ctr("images", "tag", image, "docker.io/library/other:2");
  assert.equal(await engine.docker("images", "-q", "--no-trunc", "other:2"), id);
});

test("a container's life on its snapshots", { skip }, async () => {
  const failed = await engine.tryDocker([
    "run",
    "--rm",
    image,
    "sh",
    "-c",
    "echo told; echo more >&2; exit 7",
  ]);
  assert.deepEqual(failed, { code: 7, stdout: "told\n", stderr: "more\n" });
  const trap = 'trap "exit 3" TERM; echo started; touch /made; while :; do sleep 0.1; done';
  const id = await engine.docker("run", "-d", "--name", "long", image, "sh", "-c", trap);
  assert.match(await ctr("snapshots", "ls"), new RegExp(`^${id}\\s+sha256:\\w{64}\\s+Active`, "m"));
  const exec = await engine.tryDocker(["exec", "long", "sh", "-c", "until [ -e /made ]; do :; done; exit 5"]);
  assert.equal(exec.code, 5);
  assert.equal(await engine.docker("logs", "long"), "started");
  assert.equal(await engine.docker("diff", "long"), "A /made");
  await engine.docker("stop", "long");
  assert.equal(await state("long"), "exited 3");
  // What nothing refers to is collected now.
  await ctr("leases", "create", "--id", "collect");
  await ctr("leases", "rm", "--sync", "collect");
  await engine.docker("start", "long");
  await engine.docker("commit", "long", "made");
  assert.equal(await engine.docker("run", "--rm", "made", "ls", "/made"), "/made");
  await engine.docker("restart", "-t", "0", "long");
  await engine.docker("rm", "-f", "long");
  assert.doesNotMatch(await ctr("snapshots", "ls"), new RegExp(id));
});

test("containers outlive a crash of the daemon", { skip }, async () => {
  await engine.docker(
    "run",
    "-d",
    "--name",
    "survivor",
    image,
    "sh",
    "-c",
    "trap 'exit 4' TERM; sleep 1000 & wait",
  );
  await engine.kill();
  await engine.restart();
  assert.equal(await state("survivor"), "running 0");
  await engine.docker("stop", "survivor");
  assert.equal(await state("survivor"), "exited 4");
  await engine.docker("rm", "survivor");
});
