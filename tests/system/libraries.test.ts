// Programs that people use against Docker, unchanged: dockerode, docker-py and testcontainers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, test } from "node:test";
import Docker from "dockerode";
import { extract, pack } from "tar-stream";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { run } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(async () => engine?.[Symbol.asyncDispose]());

test("dockerode creates, starts, attaches to, execs in and removes a container", { skip }, async () => {
  const docker = new Docker({ socketPath: engine.socket });
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["cat"],
    OpenStdin: true,
    StdinOnce: true,
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
  await container.start();
  stream.end("from dockerode\n");
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  assert.match(Buffer.concat(chunks).toString(), /from dockerode\n$/);
  assert.deepEqual(await container.wait(), { StatusCode: 0 });
  await container.remove();
  await assert.rejects(container.inspect(), { statusCode: 404 });
});

test("dockerode copies, commits, follows logs and stats, and waits for a healthy container", {
  skip,
}, async () => {
  const docker = new Docker({ socketPath: engine.socket });
  const volume = await docker.createVolume({ Name: "rode", Labels: { kind: "rode" } });
  const container = await docker.createContainer({
    Image: "busybox",
    name: "rode",
    Cmd: ["sh", "-c", "while :; do echo tick; echo tock >&2; sleep 0.1; done"],
    Healthcheck: { Test: ["CMD", "test", "-e", "/v/f"], Interval: 200e6 },
    HostConfig: { Binds: ["rode:/v"], PortBindings: { "80/tcp": [{}] } },
    ExposedPorts: { "80/tcp": {} },
  });
  await container.start();
  const logs = await container.logs({ follow: true, stdout: true, stderr: true });
  const printed = { stdout: new PassThrough(), stderr: new PassThrough() };
  container.modem.demuxStream(logs, printed.stdout, printed.stderr);
  const [out, err] = await Promise.all([once(printed.stdout, "data"), once(printed.stderr, "data")]);
  assert.equal(`${out}${err}`, "tick\ntock\n");
  logs.on("error", () => {});
  if (logs instanceof Readable) logs.destroy();

  const entry = pack();
  entry.entry({ name: "f" }, "copied\n");
  entry.finalize();
  await container.putArchive(Readable.from(entry), { path: "/v" });
  const names: string[] = [];
  const reader = extract().on("entry", (header, stream, next) => {
    names.push(`${header.name} ${header.size}`);
    stream.on("end", next).resume();
  });
  await pipeline(await container.getArchive({ path: "/v/f" }), reader);
  assert.deepEqual(names, ["f 7"]);

  for (;;) {
    const { State: state } = await container.inspect();
    if (state.Health?.Status === "healthy") break;
    assert.ok(["starting", "unhealthy"].includes(state.Health?.Status ?? ""));
  }
  const exec = await container.exec({
    Cmd: ["sh", "-c", "cat; exit 4"],
    AttachStdin: true,
    AttachStdout: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  stream.end("to the exec\n");
  assert.match(Buffer.concat(await stream.toArray()).toString(), /to the exec\n$/);
  assert.equal((await exec.inspect()).ExitCode, 4);

  const image = await container.commit({ repo: "rode", tag: "v1", changes: 'CMD ["echo", "committed"]' });
  assert.match(image.Id, /^sha256:/);
  const output = new PassThrough();
  const [status, made] = await docker.run("rode:v1", [], output, { Tty: true });
  assert.deepEqual([status.StatusCode, String(output.read())], [0, "committed\r\n"]);
  await made.remove();
  const stats = await container.stats({ stream: false });
  assert.ok(stats.memory_stats.usage > 0);
  await container.stop({ t: 0 });
  assert.equal((await container.wait()).StatusCode, 137);
  const past = await docker.getEvents({
    since: 0,
    until: Math.floor(Date.now() / 1000) + 1,
    filters: { container: ["rode"] },
  });
  const text = Buffer.concat(await new Readable().wrap(past).toArray()).toString();
  for (const action of ["create", "start", "commit", "exec_die", "health_status", "die", "stop"])
    assert.ok(text.includes(`"Action":"${action}`), action);
  await container.remove();
  await docker.getImage("rode:v1").remove();
  await volume.remove();
});

for (const python of ["/usr/bin/python3", "python3"])
  for (const [program, what] of [
    ["docker-py-walk.py", "containers, exec, logs, stats, archives, events, sockets"],
    ["docker-py-networks.py", "networks, ports and volumes"],
  ])
    test(`docker-py of ${python}: ${what}`, { skip }, async (t) => {
      const environment = { env: { DOCKER_HOST: engine.host }, netns: engine.netns };
      const known = await run([python, "-c", "import docker; print(docker.__version__)"]);
      if (known.code !== 0) return t.skip("has no docker-py");
      t.diagnostic(known.stdout.trim());
      const result = await run([python, `${import.meta.dirname}/${program}`], environment);
      assert.equal(result.code, 0, result.stdout + result.stderr);
      assert.match(result.stdout, /(^|\n)all\n$/);
    });

test("testcontainers starts a container, waits for its log and stops it", { skip }, async () => {
  const result = await run([process.execPath, `${import.meta.dirname}/testcontainers-walk.ts`], {
    env: { DOCKER_HOST: engine.host, TESTCONTAINERS_RYUK_DISABLED: "true" },
    netns: engine.netns,
  });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /exec: hello\nport: hello\nhealthy: copied\nlogs: tick\ncommitted: copied\n/);
  assert.equal(await engine.docker("ps", "-aq"), "");
});
