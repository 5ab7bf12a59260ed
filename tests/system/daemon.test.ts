// The daemon itself: its start, its flags, its socket, its end. With the real client.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gantrydPath, makeClient, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { run } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

test("the real client reads version and info", { skip }, async () => {
  await using engine = await startEngine();
  const version = await engine.docker("version", "--format", "{{.Server.APIVersion}} {{.Server.Os}}");
  assert.equal(version, "1.55 linux");
  const info = JSON.parse(await engine.docker("info", "--format", "json"));
  assert.equal(info.ServerVersion, "0.1.0");
  assert.equal(info.DockerRootDir, `${engine.dir}/root`);
  assert.equal(info.Swarm.LocalNodeState, "inactive");
  assert.match(await engine.docker("info"), /Server Version: 0\.1\.0/);
});

test("the API's socket is for root and its group alone", { skip }, async () => {
  await using engine = await startEngine();
  assert.equal(statSync(engine.socket).mode & 0o777, 0o660);
  assert.equal(statSync(`${engine.dir}/root`).mode & 0o777, 0o710);
});

test("an ended daemon leaves neither socket nor pid file", { skip }, async () => {
  await using engine = await startEngine();
  const pidfile = `${engine.dir}/gantryd.pid`;
  assert.ok(Number(readFileSync(pidfile, "utf8")) > 1);
  await engine.stop();
  assert.equal(existsSync(engine.socket), false);
  assert.equal(existsSync(pidfile), false);
});

test("a second daemon on the same pid file is refused, a dead one's is taken over", { skip }, async () => {
  await using engine = await startEngine();
  const second = await run([gantrydPath, "--config-file", `${engine.dir}/daemon.json`], {
    netns: engine.netns,
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /process with PID \d+ is still running/);
  await engine.kill();
  await engine.restart();
  assert.equal(await engine.docker("ps", "-q"), "");
});

test("the engine keeps its id over a restart", { skip }, async () => {
  await using engine = await startEngine();
  const id = await engine.docker("info", "--format", "{{.ID}}");
  await engine.restart();
  assert.equal(await engine.docker("info", "--format", "{{.ID}}"), id);
});

test("the API is served on TCP as well, attach included", { skip }, async () => {
  await using engine = await startEngine({ config: { hosts: ["tcp://127.0.0.1:23750"], debug: true } });
  const client = makeClient("tcp://127.0.0.1:23750", engine.netns);
  await importBusybox(client);
  const result = await client.tryDocker(["run", "-i", "--rm", "busybox", "cat"], { input: "over TCP" });
  assert.equal(result.stdout, "over TCP");
  assert.match(engine.daemon.output(), /API listen on 127\.0\.0\.1:23750/);
});

test("with live-restore containers outlive a stop, and the next daemon knows them", { skip }, async () => {
  await using engine = await startEngine({ config: { "live-restore": true } });
  await importBusybox(engine);
  await engine.docker("run", "-d", "--name", "alive", "busybox", "sleep", "600");
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "alive");
  await engine.restart();
  assert.equal(
    await engine.docker("inspect", "-f", "{{.State.Running}} {{.State.Pid}}", "alive"),
    `true ${pid}`,
  );
  await engine.docker("rm", "-f", "alive");
});

test("without a default bridge containers have no network unless they ask for the host's", {
  skip,
}, async () => {
  await using engine = await startEngine({ config: { bridge: "none" } });
  await importBusybox(engine);
  assert.equal(await engine.docker("network", "ls", "--format", "{{.Name}}"), "host\nnone");
  assert.equal(await engine.docker("run", "--rm", "--network", "none", "busybox", "echo", "alone"), "alone");
});

test("a route that is not there yet says so, and the swarm's say that there is none", { skip }, async () => {
  await using engine = await startEngine();
  const swarm = await engine.tryDocker(["swarm", "init"]);
  assert.match(swarm.stderr, /\(docker swarm init\) is not supported by this version of Gantry/);
  const nodes = await engine.tryDocker(["node", "ls"]);
  assert.match(nodes.stderr, /This node is not a swarm manager\./);
  assert.equal(await engine.docker("plugin", "ls", "-q"), "");
});

test("an unsupported key is refused by name", { skip }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-daemon-"));
  const file = join(dir, "daemon.json");
  writeFileSync(file, JSON.stringify({ "network-diagnostic-port": 1 }));
  const result = await run([gantrydPath, "--config-file", file]);
  await rm(dir, { recursive: true });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /"network-diagnostic-port" is not supported by this version of Gantry/);
});
