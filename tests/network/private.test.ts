// Networks of the driver "private": the host has nothing of them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run, startBackground } from "../system/process.ts";
import { until } from "../system/until.ts";
import { ask, serve } from "./probe.ts";
import { curl } from "./web-server.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** All that a network changes on a host. */
async function hostState({ netns }: Engine): Promise<string> {
  const commands = [
    ["ip", "-o", "link"],
    ["ip", "-o", "address"],
    ["ip", "route", "show", "table", "all"],
    ["nft", "list", "ruleset"],
    ["cat", "/proc/sys/net/ipv4/ip_forward"],
  ];
  const shown = await Promise.all(commands.map((command) => must(command, { netns })));
  return shown.join("\n").replaceAll(/ \d+sec/g, "");
}

const startWithout = (): Promise<Engine> => startEngine({ config: { bridge: "none" } });

const bound = ({ dir }: Engine): readonly string[] => readdirSync(`${dir}/exec/private`);

test("containers of a private network reach each other, and the host has nothing of it", {
  skip,
}, async () => {
  await using engine = await startWithout();
  await importBusybox(engine);
  const before = await hostState(engine);
  const id = await engine.docker("network", "create", "-d", "private", "--subnet", "10.99.0.0/24", "den");
  const start = (name: string, address: string): Promise<string> =>
    engine.docker(
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "den",
      "--ip",
      address,
      "busybox",
      "sleep",
      "1000",
    );
  await start("one", "10.99.0.2");
  await start("two", "10.99.0.3");
  const ping = (from: string, to: string) =>
    engine.tryDocker(["exec", from, "ping", "-c", "1", "-w", "20", to]);
  assert.equal((await ping("one", "10.99.0.2")).code, 0);
  assert.match((await ping("one", "10.99.0.3")).stdout, /1 packets received/);
  assert.equal(await hostState(engine), before);
  assert.equal(
    await engine.docker("exec", "one", "ip", "route"),
    "10.99.0.0/24 dev eth0 scope link  src 10.99.0.2",
  );
  assert.notEqual(
    (await run(["busybox", "ping", "-c", "1", "-W", "1", "10.99.0.2"], { netns: engine.netns })).code,
    0,
  );

  await engine.kill();
  await engine.restart();
  assert.equal((await ping("two", "10.99.0.2")).code, 0);
  await engine.docker("network", "disconnect", "den", "two");
  assert.notEqual((await ping("one", "10.99.0.3")).code, 0);
  await engine.docker("network", "connect", "--ip", "10.99.0.9", "den", "two");
  assert.equal((await ping("one", "10.99.0.9")).code, 0);

  await engine.docker("rm", "-f", "one", "two");
  assert.deepEqual(bound(engine), [id.slice(0, 12)]);
  await engine.docker("network", "rm", "den");
  assert.deepEqual(bound(engine), []);
  assert.equal(await hostState(engine), before);
});

test("a container is on two private networks; both are there again at the next start", {
  skip,
}, async () => {
  await using engine = await startWithout();
  await importBusybox(engine);
  for (const name of ["den", "lair"]) await engine.docker("network", "create", "-d", "private", name);
  const networks = ["--network", "den", "--network", "lair"];
  const addresses = (): Promise<string> =>
    engine.docker("run", "--rm", ...networks, "busybox", "sh", "-c", "ip -o -4 address | grep -c eth");
  assert.equal(await addresses(), "2");
  await engine.stop();
  assert.deepEqual(bound(engine), []);
  await engine.restart();
  assert.equal(await addresses(), "2");
});

const serving = [
  "-h",
  "hello",
  "--stop-signal",
  "KILL",
  "busybox",
  "httpd",
  "-f",
  "-v",
  "-h",
  "/etc",
  "-p",
  "80",
];

const outcome = async (command: readonly string[], netns: string) => {
  const { code, stdout } = await run(command, { netns });
  return { status: code, output: stdout };
};

/** Fetches the container's host name from a port of the host; "" if nobody answers. */
const fetchName = async ({ netns }: Engine, place: string): Promise<string> =>
  (await run([...curl(`http://${place}/hostname`)], { netns })).stdout.trim();

test("ports are published through a private network: the daemon carries them, and the host has no rule", {
  skip,
}, async () => {
  await using engine = await startWithout();
  await importBusybox(engine);
  const before = await hostState(engine);
  await engine.docker("network", "create", "-d", "private", "--subnet", "10.99.0.0/24", "den");
  const ports = ["-p", "8080:80", "-p", "127.0.0.1::80"];
  await engine.docker("run", "-d", "--name", "web", "--network", "den", ...ports, ...serving);
  const serves = (place = "127.0.0.1:8080"): Promise<void> =>
    until(async () => (await fetchName(engine, place)) === "hello");
  await serves();
  assert.equal(await fetchName(engine, "[::1]:8080"), "hello");
  const shown = await engine.docker("port", "web", "80");
  assert.match(shown, /^0\.0\.0\.0:8080\n127\.0\.0\.1:\d+\n\[::\]:8080$/);
  await serves(shown.split("\n")[1]);
  assert.equal(await hostState(engine), before);
  // The server tells who asks: the gateway.
  assert.match((await engine.tryDocker(["logs", "web"])).stderr, /10\.99\.0\.1/);

  const refused = await engine.tryDocker(["run", "--network", "den", "-p", "8080:80", "busybox"]);
  assert.match(refused.stderr, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
  const taken = startBackground(
    [process.execPath, "-e", 'require("net").createServer().listen(8088,()=>console.log("ready"))'],
    { netns: engine.netns },
  );
  await taken.line(/ready/);
  const used = await engine.tryDocker(["run", "--network", "den", "-p", "8088:80", "busybox"]);
  assert.match(used.stderr, /failed to bind host port for .*:8088.*: address already in use/);
  await taken.end();
  const sctp = await engine.tryDocker(["run", "--network", "den", "-p", "90:90/sctp", "busybox"]);
  assert.match(sctp.stderr, /--publish 90\/sctp on a network of the driver private is not supported/);

  await engine.kill();
  await engine.restart();
  await serves();
  await engine.docker("network", "disconnect", "den", "web");
  assert.equal(await fetchName(engine, "127.0.0.1:8080"), "");
  await engine.docker("network", "connect", "den", "web");
  await serves();
  await engine.docker("stop", "-t", "0", "web");
  assert.equal(await fetchName(engine, "127.0.0.1:8080"), "");
  await engine.docker("start", "web");
  await serves();
  await engine.docker("rm", "-f", "web");
  await engine.docker("network", "rm", "den");
  assert.equal(await hostState(engine), before);
});

test("datagrams are carried, in both families, and answers find back", { skip }, async () => {
  await using engine = await startWithout();
  await importBusybox(engine);
  const subnets = ["--subnet", "10.99.0.0/24", "--ipv6", "--subnet", "fd99::/64"];
  await engine.docker("network", "create", "-d", "private", ...subnets, "den");
  const ports = ["-p", "5000-5001:80-81/udp"];
  await engine.docker(
    "run",
    "-d",
    "--name",
    "web",
    "--network",
    "den",
    "--stop-signal",
    "KILL",
    ...ports,
    "busybox",
    "sleep",
    "1000",
  );
  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", "web");
  await using undo = new AsyncDisposableStack();
  await serve(undo, { path: `/proc/${pid}/ns/net` }, "udp", 80, 81);
  const host = { run: (...command: readonly string[]) => outcome(command, engine.netns) };
  assert.equal(await ask(host, "udp", "127.0.0.1", 5000), "80 from 10.99.0.1");
  assert.equal(await ask(host, "udp", "127.0.0.1", 5001), "81 from 10.99.0.1");
  assert.equal(await ask(host, "udp", "::1", 5000), "80 from fd99::1");
});

test("ports follow the container to the network that leads out, and back", { skip }, async () => {
  await using engine = await startEngine();
  await importBusybox(engine);
  await engine.docker("network", "create", "-d", "private", "den");
  await engine.docker("run", "-d", "--name", "web", "--network", "den", "-p", "8080:80", ...serving);
  const serves = (): Promise<void> =>
    until(async () => (await fetchName(engine, "127.0.0.1:8080")) === "hello");
  const rules = (): Promise<string> => must(["nft", "list", "ruleset"], { netns: engine.netns });
  await serves();
  assert.doesNotMatch(await rules(), /8080/);
  await engine.docker("network", "connect", "bridge", "web");
  assert.match(await rules(), /8080/);
  await serves();
  await engine.docker("network", "disconnect", "bridge", "web");
  assert.doesNotMatch(await rules(), /8080/);
  await serves();
});

test("what a private network cannot do is refused by name", { skip }, async () => {
  await using engine = await startEngine({ config: { bridge: "none" } });
  const option = ["-o", "com.docker.network.bridge.enable_icc=false"];
  const refused = await engine.tryDocker(["network", "create", "-d", "private", ...option, "den"]);
  assert.match(refused.stderr, /option com\.docker\.network\.bridge\.enable_icc of the driver private/);
  assert.equal(await engine.docker("network", "ls", "-q", "--filter", "name=den"), "");
});
