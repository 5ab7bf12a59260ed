// Logs of real containers with real clients: read with any driver, since and until, rotated, compressed, delivered across a crash of the daemon.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type Background, startBackground } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const receiver = join(import.meta.dirname, "receiver.ts");
const directory = mkdtempSync(join(tmpdir(), "gantry-receiver-"));
const socket = join(directory, "socket");

let engine: Engine;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function listen(): Promise<Background> {
  rmSync(socket, { force: true });
  const listener = startBackground([process.execPath, receiver, "unix", socket], {});
  await listener.line(/^ready$/m);
  return listener;
}

const received = (listener: Background): string =>
  [...listener.output().matchAll(/^data \d+ ([0-9a-f]*)$/gm)]
    .map(([, hex = ""]) => Buffer.from(hex, "hex").toString())
    .join("");
const syslog = ["--log-driver", "syslog", "--log-opt", `syslog-address=unix://${socket}`];
const settle = (): Promise<void> => delay(20);
const numbersOf = (text: string): readonly number[] =>
  [...text.matchAll(/\bn(\d+)\b/g)].map(([, number]) => Number(number));
const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);
const containerFiles = (id: string): readonly string[] =>
  readdirSync(join(engine.dir, "root/containers", id));

test("docker logs reads what a driver has sent elsewhere", { skip, timeout: 60_000 }, async () => {
  const listener = await listen();
  const options = ["--log-opt", "tag=t", "--log-opt", "labels=l", "--label", "l=1"];
  await engine.docker(
    "run",
    "--name",
    "dual",
    ...syslog,
    ...options,
    "busybox",
    "sh",
    "-c",
    "echo n1; echo n2 >&2",
  );
  assert.deepEqual(numbersOf(await engine.docker("logs", "dual")), [1]);
  assert.match((await engine.tryDocker(["logs", "--details", "dual"])).stdout, /^l=1,tag=t n1$/m);
  assert.equal(await engine.docker("inspect", "-f", "{{.LogPath}}", "dual"), "");
  while (numbersOf(received(listener)).length < 2) await settle();
  await engine.docker("rm", "dual");
  await listener.end();
});

test("with cache-disabled nothing is kept, and reading is refused", { skip, timeout: 60_000 }, async () => {
  const listener = await listen();
  const id = await engine.docker(
    "run",
    "-d",
    ...syslog,
    "--log-opt",
    "cache-disabled=true",
    "busybox",
    "echo",
    "n1",
  );
  while (numbersOf(received(listener)).length < 1) await settle();
  const refused = await engine.tryDocker(["logs", id]);
  assert.match(refused.stderr, /configured logging driver does not support reading/);
  while (containerFiles(id).some((name) => name.includes("cached"))) await settle();
  await engine.docker("rm", "-f", id);
  await listener.end();
});

test("a container whose receiver is absent does not start", { skip, timeout: 60_000 }, async () => {
  const options = ["--log-driver", "fluentd", "--log-opt", "fluentd-address=127.0.0.1:1"];
  const { code, stderr } = await engine.tryDocker(["run", "--rm", ...options, "busybox", "true"]);
  assert.equal(code, 125);
  assert.match(
    stderr,
    /failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused/,
  );
  const name = ["--name", "later"];
  await engine.docker("run", ...name, ...options, "--log-opt", "fluentd-async=true", "busybox", "echo", "n1");
  assert.deepEqual(numbersOf(await engine.docker("logs", "later")), [1]);
  await engine.docker("rm", "later");
});

test("lines written while the daemon is dead, or the receiver, arrive once each", {
  skip,
  timeout: 60_000,
}, async () => {
  const first = await listen();
  const script = "mkfifo /p; i=0; while :; do read line </p || continue; i=$((i+1)); echo n$i; done"; // or it meets the last writer once more
  await engine.docker("run", "-d", "--name", "crash", ...syslog, "busybox", "sh", "-c", script);
  const write = async (): Promise<void> => {
    await engine.docker("exec", "crash", "sh", "-c", "while [ ! -p /p ]; do :; done; echo x >/p");
  };
  await write();
  while (numbersOf(received(first)).length < 1) await settle();
  await first.end();
  await write(); // nobody listens
  const log = join(engine.dir, "root/containers", await engine.docker("inspect", "-f", "{{.Id}}", "crash"));
  while (numbersOf(readFileSync(join(log, "container-cached.log"), "utf8")).length < 2) await settle();
  await engine.kill();
  const second = await listen();
  await engine.restart();
  await write();
  while (numbersOf(received(second)).length < 2) await settle();
  assert.deepEqual(numbersOf(received(second)), [2, 3]);
  await engine.docker("rm", "-f", "crash");
  await second.end();
});

test("--rm waits for the last lines, not for a receiver that is gone", {
  skip,
  timeout: 60_000,
}, async () => {
  const listener = await listen();
  await engine.docker(
    "run",
    "--rm",
    ...syslog,
    "busybox",
    "sh",
    "-c",
    "for i in $(seq 2000); do echo n$i; done",
  );
  while (numbersOf(received(listener)).length < 2000) await settle();
  assert.deepEqual(numbersOf(received(listener)), upTo(2000));
  await listener.end();
});

test("a rotated log is followed, compressed and read whole", { skip, timeout: 60_000 }, async () => {
  const rotation = ["--log-driver", "local", "--log-opt", "max-size=40k", "--log-opt", "max-file=100"];
  const script = "for i in $(seq 5000); do echo n$i; done; mkfifo /p; read line </p; echo n5001";
  const id = await engine.docker(
    "run",
    "-d",
    "--name",
    "rotated",
    ...rotation,
    "busybox",
    "sh",
    "-c",
    script,
  );
  const followed = startBackground(["docker", "logs", "-f", "rotated"], {
    env: { DOCKER_HOST: engine.host },
  });
  await followed.line(/^n5000$/);
  const files = (): readonly string[] => containerFiles(id).filter((name) => /^local\.log\.\d+$/.test(name));
  const packed = (name: string): boolean =>
    readFileSync(join(engine.dir, "root/containers", id, name)).readUInt16BE(0) === 0x1f8b;
  while (!files().every(packed)) await settle();
  assert.ok(files().length > 5);
  assert.deepEqual(numbersOf(await engine.docker("logs", "rotated")), upTo(5000));
  assert.deepEqual(numbersOf(await engine.docker("logs", "-n", "3000", "rotated")), upTo(5000).slice(2000));
  const released = "while [ ! -p /p ]; do :; done; echo x >/p";
  await engine.tryDocker(["exec", "rotated", "sh", "-c", released]); // it may be killed by the end that it brings about
  await followed.line(/^n5001$/);
  await followed.end();
  assert.deepEqual(numbersOf(followed.output()), upTo(5001));
  await engine.docker("rm", "-f", "rotated");
});

test("five files of 20 MB are kept by default, and a range of time is found in them", {
  skip,
  timeout: 60_000,
}, async () => {
  const script =
    "i=0; while [ $i -lt 130 ]; do yes 0123456789012345678901234567890123456789 | head -n 10000; i=$((i+1)); done; sleep 1; echo n1";
  const id = await engine.docker("run", "-d", "busybox", "sh", "-c", script);
  await engine.docker("wait", id);
  const files = containerFiles(id).filter((name) => name.includes("-json.log"));
  assert.equal(files.length, 5);
  const [time = ""] = (await engine.docker("logs", "-t", "-n", "1", id)).split(" ");
  assert.deepEqual(numbersOf(await engine.docker("logs", "--since", time, id)), [1]);
  assert.deepEqual(await engine.docker("logs", "--until", "2001-01-01T00:00:00Z", id), "");
  await engine.docker("rm", id);
});

test("a daemon's default driver and options are those of its containers", {
  skip,
  timeout: 60_000,
}, async () => {
  const config = { "log-driver": "local", "log-opts": { "max-size": "1m", "cache-max-file": "3" } };
  await using other = await startEngine({ config });
  await importBusybox(other);
  const shown = async (...options: readonly string[]): Promise<string> => {
    const id = await other.docker("create", ...options, "busybox");
    return other.docker("inspect", "-f", "{{json .HostConfig.LogConfig}}", id);
  };
  assert.deepEqual(JSON.parse(await shown()), { Type: "local", Config: config["log-opts"] });
  const journal = JSON.parse(await shown("--log-driver", "journald"));
  assert.deepEqual(journal, { Type: "journald", Config: { "cache-max-file": "3" } });
  assert.equal(await other.docker("info", "-f", "{{.LoggingDriver}}"), "local");
});
