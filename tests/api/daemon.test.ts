// The daemon's configuration, its reload, its metrics and its bounds, with the real client.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Engine, gantrydPath, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPair } from "../system/pair.ts";
import { must, run } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

test("--validate tells what is wrong, and starts nothing", { skip }, async () => {
  await using engine = await startEngine();
  const file = join(engine.dir, "checked.json");
  const check = async (config: unknown, ...flags: readonly string[]): Promise<string> => {
    writeFileSync(file, JSON.stringify(config));
    const { code, stderr } = await run([gantrydPath, "--validate", "--config-file", file, ...flags]);
    return `${code} ${stderr.trim().replaceAll(file, "FILE")}`;
  };
  const prefix = "1 unable to configure the Docker daemon with file FILE: ";
  assert.equal(await check({ debug: true }), "0 configuration OK");
  assert.equal(
    await check({ debug: true }, "--debug"),
    `${prefix}the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: true)`,
  );
  assert.equal(
    await check({ nosuch: 1 }),
    `${prefix}the following directives don't match any configuration option: nosuch`,
  );
  assert.equal(
    await check({ "log-level": "loud" }),
    `${prefix}merged configuration validation from file and command line flags failed: invalid logging level: loud`,
  );
  assert.match(
    await check({ "default-ipc-mode": "host" }),
    /IPC mode "host" is not supported as default value/,
  );
  assert.match(await check({ labels: ["a=1", "a=2"] }), /conflict labels for a=2 and a=1/);
  assert.match(
    await check({ "network-diagnostic-port": 1 }),
    /"network-diagnostic-port" is not supported by this version of Gantry/,
  );
  assert.match(await check({ hosts: ["ftp://x"] }), /Invalid bind address format: ftp:\/\/x/);
  assert.match(
    await check({ "registry-mirrors": ["mirror"] }),
    /invalid mirror: no scheme specified for "mirror"/,
  );
  assert.match(await check({}, "--scoped-host", "host=unix:///x"), /invalid scoped-host/);
  assert.match(await check({ "min-api-version": "1.56" }), /^1 maximum supported API version is 1.55: 1.56$/);
  const env = { DOCKER_MIN_API_VERSION: "v1.40" };
  const { code, stderr } = await run([gantrydPath, "--validate"], { env });
  assert.equal(
    `${code} ${stderr.trim()}`,
    '1 invalid DOCKER_MIN_API_VERSION: API version must be provided without "v" prefix',
  );
});

async function reload(
  engine: Engine,
  change: Readonly<Record<string, unknown>>,
  line: RegExp,
): Promise<void> {
  const file = join(engine.dir, "daemon.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
  process.kill(engine.daemon.pid, "SIGHUP");
  await engine.daemon.line(line);
}

test("SIGHUP takes over what can be, and tells of it", { skip }, async () => {
  await using engine = await startEngine();
  await importBusybox(engine);
  await reload(engine, { nosuch: true }, /Error reloading configuration: .*nosuch/);
  const file = join(engine.dir, "daemon.json");
  const { nosuch: _removed, ...config } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify(config));
  const change = {
    labels: ["tier=test"],
    debug: true,
    "insecure-registries": ["r:5000"],
    "default-shm-size": "1M",
    "log-level": "error",
  };
  await reload(engine, change, /Reloaded configuration/);
  const info = JSON.parse(await engine.docker("info", "--format", "json"));
  assert.deepEqual([info.Labels, info.Debug], [["tier=test"], true]);
  assert.ok("r:5000" in info.RegistryConfig.IndexConfigs);
  assert.equal(
    await engine.docker("run", "--rm", "busybox", "sh", "-c", "df -m /dev/shm | tail -1 | awk '{print $2}'"),
    "1",
  );
  const args = [
    "--since",
    "1",
    "--until",
    String(Date.now() / 1000),
    "--filter",
    "type=daemon",
    "--format",
    "json",
  ];
  const event = JSON.parse(await engine.docker("events", ...args));
  assert.deepEqual([event.Action, event.Actor.ID], ["reload", info.ID]);
  const { labels, debug, ...rest } = event.Actor.Attributes;
  assert.deepEqual([labels, debug], ['["tier=test"]', "true"]);
  assert.equal(rest["default-shm-size"], "1048576");
  await engine.tryDocker(["inspect", "nosuch"]);
  await engine.daemon.line(/level=debug msg=".*nosuch/);
});

test("metrics are served on an address of their own", { skip }, async () => {
  await using engine = await startEngine({ config: { "metrics-addr": "127.0.0.1:19323" } });
  await engine.daemon.line(/metrics API listening on 127\.0\.0\.1:19323/);
  await importBusybox(engine);
  await engine.docker("run", "--rm", "busybox", "true");
  const get = (path: string): Promise<string> =>
    must(["curl", "-s", `http://127.0.0.1:19323${path}`], { netns: engine.netns });
  const text = await get("/metrics");
  assert.match(text, /^engine_daemon_container_actions_seconds_count\{action="start"\} 1$/m);
  assert.match(text, /^engine_daemon_events_total [1-9]/m);
  assert.equal(await get("/containers/json"), "404 page not found\n");
});

test("containers get the configuration's defaults", { skip }, async () => {
  const ulimits = { nofile: { Name: "nofile", Soft: 77, Hard: 88 } };
  await using engine = await startEngine({
    config: { "default-ulimits": ulimits, "no-new-privileges": true, "default-ipc-mode": "shareable" },
    flags: ["--default-stop-timeout", "1", "--cgroup-parent", "/gantry-test-parent"],
  });
  await importBusybox(engine);
  const look = "ulimit -Sn; ulimit -Hn; grep -o 'NoNewPrivs.*1' /proc/self/status | cut -f2";
  assert.equal(await engine.docker("run", "--rm", "busybox", "sh", "-c", look), "77\n88\n1");
  assert.equal(
    await engine.docker("run", "--rm", "--ulimit", "nofile=5:6", "busybox", "sh", "-c", "ulimit -Hn"),
    "6",
  );
  await engine.docker(
    "run",
    "-d",
    "--name",
    "slow",
    "busybox",
    "sh",
    "-c",
    "trap '' TERM; sleep 600 & wait; sleep 600",
  );
  const shown = await engine.docker(
    "inspect",
    "-f",
    "{{.HostConfig.IpcMode}} {{.HostConfig.CgroupParent}}",
    "slow",
  );
  assert.equal(shown, "shareable /gantry-test-parent");
  assert.equal(await engine.docker("exec", "slow", "sh", "-c", "ulimit -Sn; ulimit -Hn"), "77\n88");
  await engine.docker("stop", "slow");
  assert.equal(await engine.docker("inspect", "-f", "{{.State.ExitCode}}", "slow"), "137");
  await engine.docker("rm", "slow");
  await run([
    "sh",
    "-c",
    "rmdir /sys/fs/cgroup/*/gantry-test-parent /sys/fs/cgroup/gantry-test-parent 2>/dev/null",
  ]);
});

test("sizes are those of a real dockerd", { skip: skip || (!hasBridge && "needs a bridge") }, async () => {
  await using pair = await startPair();
  const write =
    "dd if=/dev/zero of=/x bs=1k count=2000 2>/dev/null; ln /x /y; mkdir -p /a/b/c; ln -s /x /z; echo hi >/v/f";
  const told = await Promise.all(
    [pair.ours, pair.theirs].map(async (client) => {
      await client.docker("run", "--name", "wrote", "-v", "data:/v", "busybox", "sh", "-c", write);
      const df = JSON.parse(
        await must(["curl", "-s", "--unix-socket", client.socket, "http://d/v1.41/system/df"]),
      );
      const [{ SizeRw, SizeRootFs }] = df.Containers;
      const [{ UsageData }] = df.Volumes;
      return { SizeRw, SizeRootFs, UsageData, layers: df.LayersSize, image: df.Images[0].Size };
    }),
  );
  assert.deepEqual(told[0], told[1]);
});

/** Connected, and whatever comes is thrown away. */
function open(path: string, first: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(path, () => socket.write(first, () => resolve(socket)));
  socket.on("error", reject).resume();
  return promise;
}

const ping = (socket: string): Promise<string> =>
  must(["curl", "-s", "--unix-socket", socket, "http://d/_ping"]);

const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

test("thousands of idle and unfinished connections cost little, and nobody else waits for them", {
  skip,
}, async () => {
  await using engine = await startEngine();
  await importBusybox(engine);
  const before = memoryOf(engine.daemon.pid);
  const sockets: Socket[] = [];
  const half =
    'POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n\r\n{"Image":"';
  for (const [first, count] of [
    ["", 1500],
    ["GET /_ping HTTP/1.1\r\nHost: d\r\n", 500],
    ["GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", 500],
    [half, 500],
    ["GET /events HTTP/1.1\r\nHost: d\r\n\r\n", 500],
  ] as const)
    for (let at = 0; at < count; at++) {
      if (at % 200 === 0) await ping(engine.socket); // what waits to be accepted is taken in between
      sockets.push(await open(engine.socket, first));
    }
  const padding = "x".repeat(1024 * 1024);
  const greedy = sockets.slice(2500, 2560);
  for (let at = 0; at < 12; at++) for (const socket of greedy) socket.write(padding);
  assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "served"), "served");
  const grown = memoryOf(engine.daemon.pid) - before;
  assert.ok(grown < 400 * 1024 * 1024, `grown by ${grown >> 20} MiB`); // 60 bodies of 12 MiB are 720
  for (const socket of sockets) socket.destroy();
  await engine.docker("run", "--rm", "busybox", "true");
});

test("requests with huge heads are refused, and the daemon goes on", { skip }, async () => {
  await using engine = await startEngine();
  const huge = ["-H", `X-Huge: ${"x".repeat(100_000)}`];
  const many = Array.from({ length: 12 }, () => huge).flat();
  const { stdout } = await run([
    "curl",
    "-s",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "--unix-socket",
    engine.socket,
    ...many,
    "http://d/_ping",
  ]);
  assert.notEqual(stdout, "200"); // 431, unless the connection ended before curl had sent it all
  assert.equal(await engine.docker("ps", "-q"), "");
});
