// The real ctr against gantry-containerd.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { makeBusyboxImage } from "./busybox-image.ts";
import { type Layer, startLayer } from "./layer.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const image = "docker.io/library/busybox:latest";
const scope = { namespace: "default" };

let layer: Layer;

before(async () => {
  if (skip !== false) return;
  layer = await startLayer();
  await makeBusyboxImage(layer.services, scope, image);
});
after(async () => {
  await layer?.[Symbol.asyncDispose]();
});

/** Removes a container that a test started with -d. */
async function remove(id: string): Promise<void> {
  await layer.tryCtr(["tasks", "kill", "--signal", "SIGKILL", id]);
  await layer.tryCtr(["tasks", "rm", "--force", id]);
  await layer.ctr("containers", "rm", id);
}

test("ctr sees version, namespaces, images, content, snapshots and plugins", { skip }, async () => {
  assert.match(await layer.ctr("version"), /Server:\n {2}Version: {2}1\.7/);
  assert.match(await layer.ctr("namespaces", "ls"), /^default\s/m);
  assert.match(await layer.ctr("images", "ls"), /busybox:latest\s+application\/vnd\.oci\.image\.manifest/);
  assert.equal((await layer.ctr("content", "ls", "-q")).trim().split("\n").length, 3);
  assert.match(await layer.ctr("snapshots", "ls"), /^sha256:\w{64}\s+Committed/m);
  assert.match(
    await layer.ctr("plugins", "ls"),
    /io\.containerd\.snapshotter\.v1\s+overlayfs\s+linux\/\w+\s+ok/,
  );
  assert.match(await layer.ctr("images", "check"), /busybox:latest.*complete \(2\/2\).*true/);
});

test("ctr run --rm prints, takes input, returns the exit code and leaves nothing", { skip }, async () => {
  const hello = await layer.tryCtr(["run", "--rm", image, "hello", "echo", "Hello", "World"]);
  assert.deepEqual(hello, { code: 0, stdout: "Hello World\n", stderr: "" });
  const environment = await layer.ctr(
    "run",
    "--rm",
    "--env",
    "GIVEN=1",
    image,
    "env",
    "sh",
    "-c",
    "pwd; env",
  );
  assert.match(environment, /^\/root$/m);
  assert.match(environment, /^FROM_IMAGE=yes$/m);
  assert.match(environment, /^GIVEN=1$/m);
  const failed = await layer.tryCtr(["run", "--rm", image, "failed", "sh", "-c", "echo bad >&2; exit 7"]);
  assert.deepEqual(failed, { code: 7, stdout: "", stderr: "bad\n" });
  const input = await layer.tryCtr(["run", "--rm", image, "input", "wc", "-c"], { input: "12345" });
  assert.equal(input.stdout.trim(), "5");
  assert.equal(await layer.ctr("containers", "ls", "-q"), "");
  assert.equal(await layer.ctr("tasks", "ls", "-q"), "");
  assert.equal((await layer.ctr("snapshots", "ls")).trim().split("\n").length, 2);
});

test("a command that is not there is told by name", { skip }, async () => {
  const { code, stderr } = await layer.tryCtr(["run", "--rm", image, "absent", "/no/such/program"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /no\/such\/program|ENOENT/);
});

test("a detached container: list, exec, pause, metrics, kill, remove", { skip }, async () => {
  await layer.ctr("run", "-d", image, "web", "sh", "-c", "trap 'exit 3' TERM; sleep 1000 & wait");
  assert.match(await layer.ctr("tasks", "ls"), /^web\s+\d+\s+RUNNING/m);
  assert.match(await layer.ctr("containers", "ls"), /^web\s+\S+busybox:latest\s+io\.containerd\.runc\.v2/m);
  assert.match(await layer.ctr("containers", "info", "web"), /"SnapshotKey": "web"/);
  const exec = await layer.tryCtr([
    "tasks",
    "exec",
    "--exec-id",
    "one",
    "web",
    "sh",
    "-c",
    "echo out; exit 4",
  ]);
  assert.deepEqual([exec.code, exec.stdout], [4, "out\n"]);
  assert.match(await layer.ctr("tasks", "ps", "web"), /^\d+\s/m);
  await layer.ctr("tasks", "pause", "web");
  assert.match(await layer.ctr("tasks", "ls"), /^web\s+\d+\s+PAUSED/m);
  await layer.ctr("tasks", "resume", "web");
  assert.match(await layer.ctr("tasks", "metrics", "web"), /memory\.usage_in_bytes\s+\d+/);
  const running = await layer.tryCtr(["containers", "rm", "web"]);
  assert.notEqual(running.code, 0);
  const exited = layer.services.tasks.wait(scope, "web", "", AbortSignal.timeout(10_000));
  await layer.ctr("tasks", "kill", "web");
  assert.equal((await exited).exitCode, 3);
  await layer.tryCtr(["tasks", "rm", "web"]);
  await layer.ctr("containers", "rm", "web");
  assert.equal(await layer.ctr("containers", "ls", "-q"), "");
});

test("ctr events tells a container's life", { skip }, async () => {
  const events = layer.startCtr("events");
  // Its subscription stands when it tells of something.
  const probe = setInterval(() => void layer.tryCtr(["namespaces", "label", "default", "probe=1"]), 200);
  await events.line(/\/namespaces\/update/).finally(() => clearInterval(probe));
  await layer.ctr("run", "--rm", image, "told", "true");
  await events.line(/\/containers\/delete/);
  const topics = [...events.output().matchAll(/ default (\/(?:containers|tasks|snapshot)\/\S+)/g)].map(
    ([, topic]) => topic,
  );
  await events.signal("SIGINT");
  assert.deepEqual(
    topics.filter((topic) => topic !== "/snapshot/remove"),
    [
      "/snapshot/prepare",
      "/containers/create",
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
      "/containers/delete",
    ],
  );
});

test("containers outlive a crash of the daemon", { skip }, async () => {
  await layer.ctr("run", "-d", image, "survivor", "sleep", "1000");
  const before = (await layer.ctr("tasks", "ls")).match(/^survivor\s+(\d+)/m)?.[1];
  await layer.crash();
  const after = (await layer.ctr("tasks", "ls")).match(/^survivor\s+(\d+)\s+RUNNING/m)?.[1];
  assert.equal(after, before);
  const exec = await layer.tryCtr(["tasks", "exec", "--exec-id", "e", "survivor", "echo", "alive"]);
  assert.equal(exec.stdout, "alive\n");
  await remove("survivor");
});

test("an image that ctr exports can be imported, unpacked and run again", { skip }, async () => {
  const archive = `${layer.dir}/busybox.tar`;
  await layer.ctr("images", "export", archive, image);
  await layer.ctr("--namespace", "other", "images", "import", archive);
  const run = await layer.ctr("--namespace", "other", "run", "--rm", image, "imported", "echo", "again");
  assert.equal(run, "again\n");
});
