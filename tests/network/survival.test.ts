// Containers on networks of users over a kill -9 of the daemon, by the real client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leftovers } from "../faults/leftovers.ts";
import { startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { holdConnection } from "./held-connection.ts";

const skip = process.getuid?.() !== 0 && "needs root";

const PAGE = "mkdir /w; echo page >/w/index.html; exec httpd -f -h /w";

test("a running container keeps its networks and addresses over kill -9, and joins and leaves others after that", {
  skip,
}, async () => {
  await using engine = await startEngine();
  const docker = (...words: readonly string[]): Promise<string> => engine.docker(...words);
  await importBusybox(engine);
  await docker("network", "create", "--subnet", "10.46.0.0/24", "one");
  await docker("network", "create", "--subnet", "10.47.0.0/24", "--ipv6", "two");
  await docker(
    "run",
    "-d",
    "--name",
    "web",
    "--network",
    "one",
    "--network",
    "two",
    "-p",
    "8090:80",
    "busybox",
    "sh",
    "-c",
    PAGE,
  );
  const addresses = (): Promise<string> => docker("exec", "web", "ip", "-o", "addr");
  const known = await docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", "web");
  const inside = await addresses();
  const ids = await docker("network", "ls", "-q", "--no-trunc");
  await engine.kill();
  await engine.restart();
  assert.equal(await addresses(), inside);
  assert.equal(await docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", "web"), known);
  assert.equal(await docker("network", "ls", "-q", "--no-trunc"), ids);
  const fetch = (): Promise<string> =>
    must(["curl", "-sf", "http://127.0.0.1:8090/"], { netns: engine.netns });
  assert.equal((await fetch()).trim(), "page");
  const other = await docker(
    "run",
    "--rm",
    "--network",
    "one",
    "busybox",
    "sh",
    "-c",
    "hostname -i; wget -qO- http://web/",
  );
  assert.equal(other, "10.46.0.3\npage");
  await docker("network", "disconnect", "one", "web");
  assert.doesNotMatch(await addresses(), /10\.46\./);
  assert.equal((await fetch()).trim(), "page");
  await engine.kill();
  await engine.restart();
  await docker("network", "connect", "--ip", "10.46.0.77", "one", "web");
  await docker("restart", "-t", "0", "web");
  // The one of both families comes first.
  assert.match(await addresses(), /eth0 +inet 10\.47\.0\.2\/24(?:.|\n)*eth1 +inet 10\.46\.0\.77\/24/);
  assert.equal((await fetch()).trim(), "page");
  await docker("rm", "-f", "web");
  assert.equal(await docker("network", "prune", "-f"), "Deleted Networks:\none\ntwo");
  assert.deepEqual(await leftovers(engine), []);
  assert.doesNotMatch(await must(["ip", "-o", "link"], { netns: engine.netns }), /br-/);
});

test("connections stay open over kill -9 and a new daemon, also while a network is made and another is left", {
  skip,
}, async () => {
  await using engine = await startEngine();
  await using undo = new AsyncDisposableStack();
  const docker = (...words: readonly string[]): Promise<string> => engine.docker(...words);
  const inspect = (what: string): Promise<string> => docker("inspect", "-f", `{{${what}}}`, "server");
  await importBusybox(engine);
  await docker("network", "create", "--subnet", "10.46.0.0/24", "one");
  await docker("network", "create", "--subnet", "10.47.0.0/24", "two");
  const echo = ["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];
  await docker("run", "-d", "--name", "server", "--network", "one", "-p", "8097:7", ...echo);
  await docker("run", "-d", "--name", "asker", "--network", "one", "busybox", "sleep", "9999");
  const inAsker = `/proc/${await docker("inspect", "-f", "{{.State.Pid}}", "asker")}/ns/net`;
  const tryOnce = ["busybox", "nc", "-w", "5", "10.46.0.2", "7"];
  const listens = async (): Promise<boolean> =>
    (await run(["nsenter", `--net=${inAsker}`, ...tryOnce], { input: "x\n" })).stdout === "x\n";
  await until(listens);
  const held = [
    holdConnection(undo, `/run/netns/${engine.netns}`, "127.0.0.1", 8097), // the published port, from the host itself
    holdConnection(undo, `/run/netns/${engine.netns}`, "10.46.0.2", 7),
    holdConnection(undo, inAsker, "10.46.0.2", 7), // a neighbour
    holdConnection(undo, inAsker, "10.46.0.1", 8097), // the published port, through the host
  ];
  const areOpen = async (when: string): Promise<void> => {
    const answers = await Promise.all(held.map((connection) => connection.echo(when)));
    assert.deepEqual(answers, Array(held.length).fill(when));
  };
  const started = await inspect(".State.StartedAt");
  await areOpen("at first");
  await engine.kill();
  await areOpen("without a daemon");
  await engine.restart();
  await areOpen("after its restart");

  const making = engine.tryDocker(["network", "create", "three"]);
  const joining = engine.tryDocker(["network", "connect", "two", "server"]);
  await engine.kill();
  await Promise.all([making, joining]);
  await areOpen("killed while a network was made");
  await engine.restart();
  await docker("network", "create", "four");
  await engine.tryDocker(["network", "connect", "two", "server"]); // it may be on it
  await areOpen("on another network, too");
  await docker("network", "disconnect", "two", "server");
  await must(["nft", "flush", "ruleset"], { netns: engine.netns });
  const rules = (): Promise<string> => must(["nft", "list", "ruleset"], { netns: engine.netns });
  await until(async () => (await rules()).includes("8097")); // a packet that comes before is not translated
  await areOpen("after the rules were flushed");
  assert.equal(await inspect(".State.StartedAt"), started);
  await docker("rm", "-f", "server", "asker");
});
