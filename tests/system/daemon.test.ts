// The daemon itself: its start, its flags, its socket, its end. With the real client.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gantrydPath, startEngine } from "./engine.ts";
import { run } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

test("the real client reads version and info", { skip }, async () => {
  await using engine = await startEngine();
  const version = await engine.docker("version", "--format", "{{.Server.APIVersion}} {{.Server.Os}}");
  assert.equal(version, "1.50 linux");
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

test("an unsupported key is refused by name", { skip }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-daemon-"));
  const file = join(dir, "daemon.json");
  writeFileSync(file, JSON.stringify({ "userns-remap": "default" }));
  const result = await run([gantrydPath, "--config-file", file]);
  await rm(dir, { recursive: true });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /"userns-remap" is not supported by this version of Gantry/);
});
