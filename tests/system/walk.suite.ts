// What people do all day with the real client, wherever the containerd layer runs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ContainerdMode, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startPeer } from "./peer.ts";
import { must, startBackground } from "./process.ts";
import { startRegistry } from "./registry.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** A shell that says "ready" and ends with 3 when it is told to. */
const patient = ["sh", "-c", "trap 'exit 3' TERM; echo ready; while true; do sleep 0.1; done"];

export function walkSuite(mode: ContainerdMode): void {
  describe(`the walk with containerd in its ${mode} process`, () => {
    let started: Engine | undefined;
    before(async () => {
      if (skip) return;
      started = await startEngine({ containerd: mode });
      await importBusybox(started);
    });
    after(async () => started?.[Symbol.asyncDispose]());
    const on = (title: string, body: (engine: Engine) => Promise<void>): void =>
      void test(title, { skip }, async () => {
        assert.ok(started);
        await body(started);
      });
    foreground(on);
    background(on);
    images(on);
    listings(on);
  });
}

type On = (title: string, body: (engine: Engine) => Promise<void>) => void;

function foreground(on: On): void {
  on("run gives the program's output and exit code", async (engine) => {
    const result = await engine.tryDocker([
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 7",
    ]);
    assert.deepEqual(result, { code: 7, stdout: "out\n", stderr: "err\n" });
    assert.equal(await engine.docker("ps", "-aq"), "");
  });

  on("a missing command is 127, one that is not executable 126", async (engine) => {
    const missing = await engine.tryDocker(["run", "--rm", "busybox", "nosuch"]);
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /exec: "nosuch": executable file not found in \$PATH/);
    const plain = await engine.tryDocker(["run", "--rm", "busybox", "/etc/passwd"]);
    assert.equal(plain.code, 126);
    assert.match(plain.stderr, /exec: "\/etc\/passwd": permission denied/);
  });

  on("-i passes input on and its end, byte for byte", async (engine) => {
    const input = Buffer.alloc(3_000_000, "0123456789abcdef\n").toString();
    const sum = await engine.tryDocker(["run", "-i", "--rm", "busybox", "md5sum"], { input });
    const echoed = await engine.tryDocker(["run", "-i", "--rm", "busybox", "cat"], { input });
    assert.equal(echoed.stdout.length, input.length);
    assert.ok(echoed.stdout === input);
    assert.equal(sum.code, 0);
  });

  on("-t gives a terminal of the client's size", async (engine) => {
    const command = "stty rows 33 cols 99; docker run --rm -it busybox sh -c 'tty; stty size'";
    const printed = await must(["script", "-qec", command, "/dev/null"], {
      netns: engine.netns,
      env: { DOCKER_HOST: engine.host },
    });
    assert.match(printed, /\/dev\/pts\/0\r\n(\^@)?33 99/); // script types the end of its input, which may be echoed
  });
}

function background(on: On): void {
  on("a detached container: exec, top, stats, logs, stop, wait, rm", async (engine) => {
    await engine.docker("run", "-d", "--name", "patient", "-m", "64m", "busybox", ...patient);
    const logs = startBackground(["docker", "-H", engine.host, "logs", "-f", "patient"]);
    await logs.line(/ready/);
    assert.equal(await engine.docker("exec", "patient", "echo", "in exec"), "in exec");
    const failed = await engine.tryDocker(["exec", "patient", "sh", "-c", "exit 9"]);
    assert.equal(failed.code, 9);
    const piped = await engine.tryDocker(["exec", "-i", "patient", "wc", "-c"], { input: "12345" });
    assert.equal(piped.stdout.trim(), "5");
    assert.match(await engine.docker("top", "patient"), /sleep 0\.1|trap/);
    const usage = await engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "patient");
    assert.match(usage, /^[1-9].* \/ 64MiB$/);
    await engine.docker("pause", "patient");
    assert.equal(await engine.docker("inspect", "-f", "{{.State.Status}}", "patient"), "paused");
    await engine.docker("unpause", "patient");
    await engine.docker("update", "-m", "80m", "--memory-swap", "80m", "patient");
    await engine.docker("stop", "patient");
    assert.equal(await engine.docker("wait", "patient"), "3");
    await logs.signal("SIGTERM");
    assert.equal(await engine.docker("logs", "patient"), "ready");
    assert.equal(await engine.docker("rm", "patient"), "patient");
  });

  on("kill and rm -f end what does not listen", async (engine) => {
    const id = await engine.docker("run", "-d", "busybox", "sleep", "1000");
    await engine.docker("kill", id);
    assert.equal(await engine.docker("wait", id), "137");
    await engine.docker("start", id);
    await engine.docker("rm", "-f", id);
    assert.equal(await engine.docker("ps", "-aq"), "");
  });

  on("attach joins a running container, output and end", async (engine) => {
    await engine.docker("run", "-di", "--name", "joined", "busybox", "sh", "-c", "read line; echo got $line");
    const result = await engine.tryDocker(["attach", "joined"], { input: "this\n" });
    assert.deepEqual(result, { code: 0, stdout: "got this\n", stderr: "" });
    await engine.docker("rm", "joined");
  });

  on("restart policies start what failed again, as often as they say", async (engine) => {
    await engine.docker("run", "-d", "--name", "loop", "--restart", "on-failure:2", "busybox", "false");
    assert.equal(await engine.docker("wait", "loop"), "1");
    const state = "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}";
    while ((await engine.docker("inspect", "-f", state, "loop")) !== "exited 1 2");
    await engine.docker("rm", "loop");
  });

  on("what ran out of memory says so", async (engine) => {
    const grow = ["sh", "-c", "exec tail /dev/zero"];
    await engine.tryDocker(["run", "--name", "grown", "-m", "16m", "busybox", ...grow]);
    const state = "{{.State.OOMKilled}} {{.State.ExitCode}}";
    assert.equal(await engine.docker("inspect", "-f", state, "grown"), "true 137");
    await engine.docker("rm", "grown");
  });

  on("a stop of the daemon ends its containers, policies bring them back", async (engine) => {
    await engine.docker("run", "-d", "--name", "always", "--restart", "always", "busybox", ...patient);
    await engine.docker("run", "-d", "--name", "once", "busybox", ...patient);
    await engine.restart();
    const status = ["inspect", "-f", "{{.State.Status}}"];
    while ((await engine.docker(...status, "always")) !== "running");
    assert.equal(await engine.docker(...status, "once"), "exited");
    await engine.docker("rm", "-f", "always", "once");
  });
}

function images(on: On): void {
  on("pull from a real registry, run, tag, save, remove", async (engine) => {
    await using registry = await startRegistry(engine.netns);
    const name = `${registry.address}/busybox`;
    {
      await using peer = await startPeer({ netns: engine.netns });
      await importBusybox(peer, `${name}:v1`);
      await peer.docker("push", `${name}:v1`);
    }
    const pulled = await engine.docker("pull", `${name}:v1`);
    assert.match(pulled, /Status: Downloaded newer image/);
    assert.match(await engine.docker("pull", `${name}:v1`), /Image is up to date/);
    assert.equal(await engine.docker("run", "--rm", `${name}:v1`, "echo", "pulled"), "pulled");
    await engine.docker("tag", `${name}:v1`, "other:v1");
    const digest = /Digest: (sha256:\w+)/.exec(pulled)?.[1];
    await engine.docker("pull", `${name}@${digest}`);
    await engine.docker("rmi", "other:v1", `${name}:v1`);
    assert.equal(await engine.docker("images", "-q", name), "");
    const missing = await engine.tryDocker(["pull", `${name}:nosuch`]);
    assert.match(missing.stderr, /manifest unknown|not found/);
  });

  on("an unknown image is told as Docker tells it", async (engine) => {
    const result = await engine.tryDocker(["run", "--pull", "never", "nosuch"]);
    assert.equal(result.code, 125);
    assert.match(result.stderr, /No such image: nosuch:latest/);
  });
}

function listings(on: On): void {
  on("events tell a container's life in order", async (engine) => {
    const since = await engine.docker("info", "--format", "{{.SystemTime}}");
    await engine.docker("run", "--rm", "--name", "told", "busybox", "true");
    const until = await engine.docker("info", "--format", "{{.SystemTime}}");
    const shown = ["--filter", "container=told", "--format", "{{.Action}}"];
    const events = await engine.docker("events", "--since", since, "--until", until, ...shown);
    assert.deepEqual(events.split("\n"), ["create", "attach", "start", "die", "destroy"]);
  });

  on("system df measures images, containers and volumes", async (engine) => {
    await engine.docker(
      "run",
      "--name",
      "big",
      "-v",
      "data:/v",
      "busybox",
      "dd",
      "if=/dev/zero",
      "of=/f",
      "bs=1M",
      "count=2",
    );
    const lines = await engine.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}}");
    assert.match(lines, /^Images 1 [12]\.\d+MB$/m);
    assert.match(lines, /^Containers 1 2\.\d+MB$/m);
    assert.match(lines, /^Local Volumes 1 0B$/m);
    await engine.docker("rm", "big");
    await engine.docker("volume", "rm", "data");
  });
}
