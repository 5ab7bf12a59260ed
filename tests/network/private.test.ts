// Networks of the driver "private": the host has nothing of them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";

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
  assert.notEqual((await run(["ping", "-c", "1", "-W", "1", "10.99.0.2"], { netns: engine.netns })).code, 0);

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

test("what a private network cannot do is refused by name", { skip }, async () => {
  await using engine = await startEngine({ config: { bridge: "none" } });
  const option = ["-o", "com.docker.network.bridge.enable_icc=false"];
  const refused = await engine.tryDocker(["network", "create", "-d", "private", ...option, "den"]);
  assert.match(refused.stderr, /option com\.docker\.network\.bridge\.enable_icc of the driver private/);
  assert.equal(await engine.docker("network", "ls", "-q", "--filter", "name=den"), "");
});
