// What API 1.51 to 1.55 brought and took away, which no client on this machine speaks: seen from their version on, and not before.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Engine, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type RawRequest, sendRaw } from "./raw-request.ts";

const skip = process.getuid?.() !== 0 && "needs root";
let engine: Engine;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const send = (minor: number, line: string, more: Omit<RawRequest, "method" | "path"> = {}) => {
  const [method = "", path = ""] = line.split(" ");
  return sendRaw(engine.socket, { method, path: `/v1.${minor}${path}`, ...more });
};

/** The JSON of the answer. */
async function ask(minor: number, line: string, json?: object) {
  const { body } = await send(minor, line, json === undefined ? {} : { json });
  return JSON.parse(body.toString());
}

/** Asked of the version, and of the one before it. */
const around = async (minor: number, line: string) => ({
  old: await ask(minor - 1, line),
  now: await ask(minor, line),
});

test("1.55 is the newest, and what is meant without a version", { skip }, async () => {
  const unversioned = await sendRaw(engine.socket, { method: "GET", path: "/version" });
  assert.equal(unversioned.headers["api-version"], "1.55");
  assert.equal(JSON.parse(unversioned.body.toString()).ApiVersion, "1.55");
  const { message } = await ask(56, "GET /version");
  assert.equal(message, "client version 1.56 is too new. Maximum supported API version is 1.55");
});

test("1.51 counts the containers of images, 1.54 wants manifests for identities", { skip }, async () => {
  await engine.docker("create", "--name", "counted", "busybox");
  const { old, now } = await around(51, "GET /images/json");
  assert.deepEqual([old[0].Containers, now[0].Containers], [-1, 1]);
  await engine.docker("rm", "counted");
  assert.equal((await ask(53, "GET /images/json?identity=1")).length, 1);
  const { message } = await ask(54, "GET /images/json?identity=1");
  assert.equal(message, "conflicting options: identity requires manifests=1");
});

test("1.50 and 1.52 left out what an image's configuration does not have", { skip }, async () => {
  const configOf = async (minor: number) =>
    Object.keys((await ask(minor, "GET /images/busybox/json")).Config);
  const [older, old, now] = [await configOf(49), await configOf(51), await configOf(52)];
  assert.ok(older.includes("Hostname") && !old.includes("Hostname"));
  assert.ok(old.includes("OnBuild") && !now.includes("OnBuild"));
});

test("1.52 brought the health to the list", { skip }, async () => {
  await engine.docker(
    "run",
    "-d",
    "--name",
    "well",
    "--health-cmd",
    "true",
    "--health-interval",
    "100ms",
    "busybox",
    "sleep",
    "1000",
  );
  while ((await engine.docker("inspect", "-f", "{{.State.Health.Status}}", "well")).trim() !== "healthy");
  const { old, now } = await around(52, "GET /containers/json");
  assert.equal(old[0].Health, undefined);
  assert.deepEqual(now[0].Health, { Status: "healthy", FailingStreak: 0 });
  await engine.docker("rm", "-f", "well");
});

test("1.52 took the addresses out of a container's inspect, and told the storage", { skip }, async () => {
  const MacAddress = "02:42:ac:11:00:09";
  const { Warnings } = await ask(51, "POST /containers/create?name=told", { Image: "busybox", MacAddress });
  assert.match(Warnings.join(), /^The container-wide MacAddress field is now deprecated/);
  const { old, now } = await around(52, "GET /containers/told/json");
  assert.equal(old.Config.MacAddress, MacAddress);
  assert.equal(old.NetworkSettings.IPAddress, "");
  assert.deepEqual([old.Config.OnBuild, old.Storage], [null, undefined]);
  assert.deepEqual(Object.keys(now.NetworkSettings), ["SandboxID", "SandboxKey", "Ports", "Networks"]);
  assert.ok(!("OnBuild" in now.Config || "MacAddress" in now.Config));
  assert.equal(now.NetworkSettings.Networks.bridge.MacAddress, MacAddress);
  assert.deepEqual(now.Storage, { RootFS: { Snapshot: { Name: "overlay2" } } });
  await engine.docker("rm", "told");
});

test("1.52 knows no address of a container, and warns of ports without bindings", { skip }, async () => {
  const HostConfig = { PortBindings: { "80/tcp": [] } };
  const body = { Image: "busybox", MacAddress: "02:42:ac:11:00:09", HostConfig };
  const { Warnings } = await ask(52, "POST /containers/create?name=ported", body);
  assert.match(
    Warnings.join(),
    /^Following container port\(s\) have an empty list of port-bindings: 80\/tcp\./,
  );
  const { NetworkSettings } = await ask(51, "GET /containers/ported/json");
  assert.equal(NetworkSettings.Networks.bridge.MacAddress, "");
  await engine.docker("rm", "ported");
});

test("1.52 sums up what is on the disk", { skip }, async () => {
  await engine.docker("run", "--name", "written", "busybox", "sh", "-c", "echo 12345 > /x");
  const old = await ask(51, "GET /system/df?type=container&verbose=1");
  assert.deepEqual([old.Containers[0].SizeRw, old.ContainerUsage], [6, undefined]);
  const both = await ask(52, "GET /system/df?type=container");
  assert.deepEqual(Object.keys(both), ["Containers", "ContainerUsage"]);
  const { ContainerUsage, ...rest } = await ask(55, "GET /system/df?type=container&verbose=1");
  assert.deepEqual(rest, {});
  assert.deepEqual(ContainerUsage, { TotalCount: 1, Reclaimable: 6, TotalSize: 6, Items: both.Containers });
  await engine.docker("rm", "written");
});

test("1.52 tells the system of statistics, and how many addresses a network has", { skip }, async () => {
  await engine.docker("create", "--name", "still", "busybox");
  const stats = await around(52, "GET /containers/still/stats?stream=0&one-shot=1");
  assert.deepEqual([stats.old.os_type, stats.now.os_type], [undefined, "linux"]);
  await engine.docker("rm", "still");
  const { old, now } = await around(52, "GET /networks/none");
  assert.deepEqual([old.Status, now.Status], [undefined, { IPAM: {} }]);
  const list = await around(52, "GET /networks");
  assert.deepEqual([list.old[0].Containers, list.now[0].Containers], [{}, undefined]);
});

test("the addresses of the bridge are counted", {
  skip: skip || (!hasBridge && "needs a bridge"),
}, async () => {
  const usage = async () => {
    const { Status, IPAM } = await ask(52, "GET /networks/bridge");
    return Status.IPAM.Subnets[IPAM.Config[0].Subnet];
  };
  const free = await usage();
  await engine.docker("run", "-d", "--name", "one", "busybox", "sleep", "1000");
  const { IPsInUse, DynamicIPsAvailable } = await usage();
  await engine.docker("rm", "-f", "one");
  assert.deepEqual([IPsInUse, DynamicIPsAvailable], [free.IPsInUse + 1, free.DynamicIPsAvailable - 1]);
});

test("1.52 has events without older fields, in the form that is asked for", { skip }, async () => {
  await engine.docker("rm", (await engine.docker("create", "busybox")).trim());
  const filters = encodeURIComponent('{"event":["destroy"]}');
  const path = `GET /events?since=1&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`;
  const answer = async (minor: number, accept?: string) => {
    const { headers, body } = await send(minor, path, accept === undefined ? {} : { accept });
    return [headers["content-type"], body.toString().includes('"status"'), body[0]];
  };
  const [brace, separator] = [0x7b, 0x1e];
  assert.deepEqual(await answer(51), ["application/json", true, brace]);
  assert.deepEqual(await answer(52), ["application/jsonl", false, brace]);
  assert.deepEqual(await answer(52, "application/json-seq"), ["application/json-seq", false, separator]);
});

test("1.54 has logs as JSON, for who asks for it or accepts nothing else", { skip }, async () => {
  await engine.docker("run", "--name", "said", "busybox", "sh", "-c", "echo out; echo err >&2");
  const logs = async (minor: number, query: string, accept?: string) => {
    const path = `GET /containers/said/logs?${query}`;
    const { headers, body } = await send(minor, path, accept === undefined ? {} : { accept });
    return { type: headers["content-type"], text: body.toString() };
  };
  const raw = "application/vnd.docker.multiplexed-stream";
  assert.equal((await logs(53, "stdout=1&format=json", "application/jsonl")).type, raw);
  assert.equal((await logs(54, "stdout=1", "*/*")).type, raw);
  const { type, text } = await logs(54, "stdout=1&stderr=1&format=json");
  assert.equal(type, "application/x-ndjson");
  const lines = text.trim().split("\n");
  const shown = lines.map((line) => JSON.parse(line)).map(({ Line, Source }) => `${Source}: ${Line}`);
  assert.deepEqual(shown.toSorted(), ["stderr: err\n", "stdout: out\n"]);
  assert.equal((await logs(54, "stderr=1", "application/json-seq")).text.at(0), "\u001e");
  assert.match((await logs(54, "stdout=1&format=xml")).text, /unsupported log format/);
  await engine.docker("rm", "said");
});

test("1.55 sets the rates of devices of a container that runs", { skip }, async (t) => {
  const disk = readdirSync("/sys/block").find((name) => readdirSync("/dev").includes(name));
  if (disk === undefined) return t.skip("no block device");
  await engine.docker("run", "-d", "--name", "limited", "busybox", "sleep", "1000");
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "limited");
  const rates = async (minor: number, list: readonly object[]) => {
    await ask(minor, "POST /containers/limited/update", { BlkioDeviceReadBps: list });
    const { HostConfig } = await ask(minor, "GET /containers/limited/json");
    return [readThrottles(pid.trim()), HostConfig.BlkioDeviceReadBps];
  };
  const list = [{ Path: `/dev/${disk}`, Rate: 1048576 }];
  assert.deepEqual(await rates(54, list), ["", []]);
  const [set, shown] = await rates(55, list);
  assert.match(set, /^\d+:\d+ (rbps=)?1048576\b/);
  assert.deepEqual(shown, list);
  assert.deepEqual(await rates(55, []), ["", []]);
  await engine.docker("rm", "-f", "limited");
});

/** What the kernel knows of reading rates: a line for each device. */
function readThrottles(pid: string): string {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const [, old] = groups.map((line) => /:blkio:(.*)/.exec(line)).find((found) => found !== null) ?? [];
  const [, unified = ""] = /^0::(.*)$/m.exec(groups.join("\n")) ?? [];
  return readFileSync(
    old === undefined
      ? `/sys/fs/cgroup${unified}/io.max`
      : `/sys/fs/cgroup/blkio${old}/blkio.throttle.read_bps_device`,
    "utf8",
  ).trim();
}
