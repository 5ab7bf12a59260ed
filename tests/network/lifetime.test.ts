// What stays and what goes: many sandboxes at once, a killed daemon, flushed rules, engines side by side.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AttachRequest } from "#network/controller.ts";
import { until } from "../system/until.ts";
import { attachRequest, NetworkDaemon } from "./daemon-client.ts";
import { Namespace, run } from "./namespaces.ts";
import { curl, WebServer } from "./web-server.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: isRoot ? false : "needs root" };

const openDirectory = (undo: AsyncDisposableStack): string => {
  const path = mkdtempSync(join(tmpdir(), "gantry-net-"));
  undo.defer(() => rmSync(path, { recursive: true }));
  return path;
};

async function openNamespace(undo: AsyncDisposableStack): Promise<Namespace> {
  const namespace = await Namespace.open();
  undo.defer(() => namespace.close());
  return namespace;
}

/** Where a daemon runs. */
interface Place {
  readonly host: Namespace;
  readonly directory: string;
  readonly bridge: string;
}

async function startDaemon(undo: AsyncDisposableStack, place: Place): Promise<NetworkDaemon> {
  const daemon = await NetworkDaemon.start(place.host, place.directory, place.bridge);
  undo.defer(() => daemon.end());
  return daemon;
}

/** A daemon that had nothing to restore, in a namespace and a directory of its own. */
async function openEngine(undo: AsyncDisposableStack) {
  const directory = openDirectory(undo);
  const place = { host: await openNamespace(undo), directory, bridge: "docker0" };
  const daemon = await startDaemon(undo, place);
  await daemon.ask({ verb: "restore", live: [] });
  return { ...place, place, daemon };
}

test("fifty sandboxes come and go and leave nothing", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host, directory } = await openEngine(undo);
  const before = { links: await host.links(), rules: await host.rules() };
  const requests = Array.from({ length: 50 }, (_, index) =>
    attachRequest(`c${index}`, { hostPort: 9000 + index }),
  );
  const sandboxes = await daemon.ask({ verb: "attachMany", requests });
  assert.equal(new Set(sandboxes.map(({ endpoints: [endpoint] }) => endpoint?.ipv4)).size, 50);
  assert.equal((await host.links()).length, before.links.length + 50);
  await daemon.ask({ verb: "detach", sandboxIds: requests.map(({ sandboxId }) => sandboxId) });
  await daemon.ask({ verb: "settle" });
  assert.deepEqual({ links: await host.links(), rules: await host.rules() }, before);
  assert.deepEqual(readdirSync(join(directory, "exec", "netns")), []);
  const again = await daemon.attach("again", { hostPort: 9000 });
  assert.equal(again.endpoints[0]?.ipv4, "172.17.0.2");
});

test("after kill -9 the next daemon keeps what lives and removes the rest", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon: first, host, directory, place } = await openEngine(undo);
  const request: AttachRequest = attachRequest("live", { hostPort: 8080 });
  const sandbox = await first.ask({ verb: "attach", request });
  await first.attach("dead", { hostPort: 8081 });
  await using _server = await WebServer.open(sandbox.path, "live");
  await first.kill();
  assert.equal((await host.run(...curl("http://127.0.0.1:8080/"))).output, "live");

  const second = await startDaemon(undo, place);
  await second.ask({ verb: "restore", live: [sandbox] });
  assert.equal((await host.run(...curl("http://127.0.0.1:8080/"))).output, "live");
  assert.equal((await host.run(...curl("http://[::1]:8080/"))).output, "live");
  assert.deepEqual(readdirSync(join(directory, "exec", "netns")), [request.sandboxId]);
  assert.equal((await host.links()).filter((name) => name.startsWith("veth")).length, 1);
  assert.doesNotMatch(await host.rules(), /8081/);
  await assert.rejects(second.attach("new", { hostPort: 8080 }), /port is already allocated/);
  const next = await second.attach("next", { hostPort: 8081 });
  assert.equal(next.endpoints[0]?.ipv4, "172.17.0.3");
  await second.ask({ verb: "detach", sandboxIds: [request.sandboxId] });
  assert.notEqual((await host.run(...curl("http://127.0.0.1:8080/"))).status, 0);
});

for (const [what, program, ...args] of [
  ["all rules", "nft", "flush", "ruleset"],
  ["the bridge", "ip", "link", "delete", "docker0"],
] as const)
  test(`when somebody removes ${what}, the next start puts it back`, asRoot, async () => {
    await using undo = new AsyncDisposableStack();
    const { daemon, host } = await openEngine(undo);
    await daemon.attach("old", { hostPort: 8080 });
    const before = await host.rules();
    await host.run(program, ...args);
    await daemon.attach("new");
    assert.equal(await host.rules(), before);
    const web = await daemon.attach("web", { hostPort: 8082 });
    await using _server = await WebServer.open(web.path, "web");
    assert.equal((await host.run(...curl("http://127.0.0.1:8082/"))).output, "web");
  });

test(
  "sandboxes start and end while another firewall flushes all rules and loads its own, again and again",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { daemon, host, directory } = await openEngine(undo);
    const before = await host.rules();
    const ruleset = join(directory, "firewall.nft");
    writeFileSync(ruleset, "flush ruleset\nadd table inet other\nadd chain inet other own\n");
    let loads = 0;
    const done = new AbortController();
    const loading = (async () => {
      while (!done.signal.aborted) {
        if ((await host.run("nft", "-f", ruleset)).status === 0) loads++;
        await delay(100, undefined, { signal: done.signal }).catch(() => undefined);
      }
    })();
    const stop = async (): Promise<void> => {
      done.abort();
      await loading;
    };
    undo.defer(stop);
    const web = await daemon.attach("web", { hostPort: 8080 });
    for (let round = 0; loads < 20; round++) {
      await daemon.attach(`c${round}`, { hostPort: 9000 + round }, { hostPort: 9000 + round, proto: "udp" });
      if (round % 2 === 1)
        await daemon.ask({ verb: "detach", sandboxIds: [attachRequest(`c${round}`).sandboxId] });
    }
    await stop();
    await using _server = await WebServer.open(web.path, "web");
    const isPublished = async (): Promise<boolean> =>
      /8080/.test(await host.rules()) && (await host.run(...curl("http://127.0.0.1:8080/"))).output === "web";
    await until(isPublished);
    assert.ok(await isPublished());
    await daemon.ask({ verb: "detach", sandboxIds: readdirSync(join(directory, "exec", "netns")) });
    const own = (rules: string): string => rules.replace(/^table inet other \{[^}]*\}\s*\}\n/m, "");
    await until(async () => own(await host.rules()) === before);
    assert.equal(own(await host.rules()), before);
  },
);

test("rules of the administrator in the chain user stay over restarts", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon: first, host, place } = await openEngine(undo);
  const table = /table ip (gantry-[0-9a-f]{8})/.exec(await host.rules())?.[1] ?? "";
  await host.run("nft", "add", "rule", "ip", table, "user", "ip", "saddr", "10.1.2.3", "drop");
  await first.kill();
  const second = await startDaemon(undo, place);
  await second.ask({ verb: "restore", live: [] });
  assert.match(await host.rules(), /chain user \{\n\t\tip saddr 10\.1\.2\.3 drop/);
});

test("two engines in one network namespace do not touch each other", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const host = await openNamespace(undo);
  const daemonOne = await startDaemon(undo, { host, directory: openDirectory(undo), bridge: "br-one" });
  await daemonOne.ask({ verb: "restore", live: [] });
  const left = await daemonOne.attach("left", { hostPort: 8080 });
  const daemonTwo = await startDaemon(undo, { host, directory: openDirectory(undo), bridge: "br-two" });
  await daemonTwo.ask({ verb: "restore", live: [] });
  const right = await daemonTwo.attach("right", { hostPort: 8081 });
  assert.equal(left.endpoints[0]?.ipv4, "172.17.0.2");
  assert.equal(right.endpoints[0]?.ipv4, "172.18.0.2");
  await assert.rejects(daemonTwo.attach("third", { hostPort: 8080 }), /address already in use/);
  await using _left = await WebServer.open(left.path, "left");
  await using _right = await WebServer.open(right.path, "right");
  assert.equal((await host.run(...curl("http://127.0.0.1:8080/"))).output, "left");
  assert.equal((await host.run(...curl("http://127.0.0.1:8081/"))).output, "right");
  const fromLeft = ["nsenter", `--net=${left.path}`] as const;
  assert.notEqual((await run(...fromLeft, ...curl("http://172.18.0.2/"))).status, 0, "isolated");
  assert.equal((await run(...fromLeft, ...curl("http://172.17.0.1:8081/"))).output, "right", "published");
});

test("an address is free at once, and its next owner gets its traffic", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host } = await openEngine(undo);
  for (let round = 0; round < 5; round++) {
    const name = `round ${round}`;
    const sandbox = await daemon.attach(name);
    assert.equal(sandbox.endpoints[0]?.ipv4, "172.17.0.2");
    await using _server = await WebServer.open(sandbox.path, name);
    assert.equal((await host.run(...curl("http://172.17.0.2/"))).output, name);
    // A process stays in the old namespace: it goes on answering for the address.
    const lingering = spawn("nsenter", [`--net=${sandbox.path}`, "sleep", "60"]);
    undo.defer(() => void lingering.kill());
    await once(lingering, "spawn");
    await daemon.ask({ verb: "detach", sandboxIds: [sandbox.id] });
  }
  await daemon.ask({ verb: "settle" });
  assert.deepEqual(await host.links(), ["lo", "docker0"]);
});

test("flows of datagrams to a sandbox are forgotten with it", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { daemon, host } = await openEngine(undo);
  await host.run("sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=600"); // not by themselves
  const sandbox = await daemon.attach("one", { proto: "udp", hostPort: 5353, containerPort: 53 });
  const address = sandbox.endpoints[0]?.ipv4 ?? "";
  const send =
    'const s=require("node:dgram").createSocket("udp4");s.send("x",5353,"127.0.0.1",()=>s.close())';
  await host.run(process.execPath, "-e", send);
  const isFollowed = async (): Promise<boolean> =>
    (await host.run("cat", "/proc/net/nf_conntrack")).output.includes(`src=${address} `);
  await until(isFollowed);
  assert.ok(await isFollowed());
  await daemon.ask({ verb: "detach", sandboxIds: [sandbox.id] });
  await until(async () => !(await isFollowed()));
  assert.ok(!(await isFollowed()));
});
