// The embedded resolver in network namespaces, without an engine: its sockets, its rules, and what real clients get from it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startZygote, type Zygote } from "#kernel/zygote/zygote.ts";
import { nativeProgram } from "#main/native-program.ts";
import { NameService } from "#network/dns/name-service.ts";
import { type NamedEndpoint, NameTable } from "#network/dns/name-table.ts";
import type { NameSettings } from "#network/dns/names.ts";
import { hasBridge } from "../system/engine.ts";
import { until } from "../system/until.ts";
import { Namespace } from "./namespaces.ts";

const asRoot = { skip: process.getuid?.() === 0 ? (hasBridge ? false : "needs nf_tables") : "needs root" };
const settings: NameSettings = { upstreams: [], mayAskOutside: true, keepsSingleLabels: false };
const web: NamedEndpoint = {
  networkId: "n1",
  networkName: "net1",
  names: ["web", "www"],
  links: {},
  ipv4: ["172.18.0.2"],
  ipv6: [],
};

async function openZygote(undo: AsyncDisposableStack): Promise<Zygote> {
  const folder = mkdtempSync(join(tmpdir(), "gantry-names-"));
  undo.defer(() => rmSync(folder, { recursive: true }));
  return undo.use(await startZygote({ binary: nativeProgram(), socket: join(folder, "zygote.sock") }));
}

/** A resolver in a namespace of its own. */
async function openResolver(undo: AsyncDisposableStack, more: Partial<NameSettings> = {}) {
  const zygote = await openZygote(undo);
  const sandbox = await Namespace.open();
  undo.defer(() => sandbox.close());
  const directory = new NameTable();
  directory.set("web", [web]);
  const service = undo.use(new NameService({ sockets: zygote.sockets, directory }));
  await service.serve({ id: "web", path: sandbox.path }, { ...settings, ...more });
  return { zygote, sandbox, directory, service };
}

const program = (name: string): string => join(import.meta.dirname, name);

async function ask(sandbox: Namespace, ...questions: readonly string[]): Promise<readonly unknown[]> {
  const { output } = await sandbox.run(process.execPath, program("ask-names.ts"), ...questions);
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What it was asked is read from `heard`. */
async function startServer(undo: AsyncDisposableStack, namespace: Namespace, address: string) {
  const args = [`--net=${namespace.path}`, process.execPath, program("name-server.ts"), address];
  const child = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
  undo.defer(() => end(child));
  const heard: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => heard.push(line));
  await until(() => heard.includes("ready"));
  return { heard, child };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

const socketCount = (): number => readdirSync("/proc/self/fd").length;

test("names are answered by UDP and TCP, and the kind of nothing there is said", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { sandbox, directory } = await openResolver(undo);
  assert.deepEqual(
    await ask(sandbox, "web A", "WWW.net1 A", "web AAAA", "web MX", "nosuch A", "172.18.0.2 PTR"),
    [["172.18.0.2"], ["172.18.0.2"], "ENODATA", "ENODATA", "ESERVFAIL", ["web.net1"]],
  );
  const { output } = await sandbox.run("busybox", "nslookup", "-type=a", "web", "127.0.0.11");
  assert.match(output, /Name:\s+web\nAddress: 172\.18\.0\.2/);

  const all = Array.from({ length: 100 }, (_, index) => `172.18.1.${index}`);
  directory.set("web", [{ ...web, ipv4: all }]);
  assert.deepEqual(await ask(sandbox, "web A"), [all.toSorted()], "too many for a datagram: asked by TCP");
});

test("a server inside is asked from inside, beside its own port 53", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const upstreams = [{ address: "127.0.0.1", fromHost: false }];
  const { sandbox, service } = await openResolver(undo, { upstreams });
  const { heard, child } = await startServer(undo, sandbox, "0.0.0.0");
  assert.deepEqual(
    await ask(sandbox, "example.org A", "no.example A", "many.example A", "short A", "web TXT"),
    [
      ["192.0.2.1"],
      "ENOTFOUND",
      Array.from({ length: 200 }, (_, index) => `192.0.2.${index + 1}`).toSorted(),
      ["192.0.2.1"],
      "ENODATA",
    ],
  );
  assert.deepEqual(heard.splice(0), [
    "ready",
    "udp example.org",
    "udp no.example",
    "udp many.example",
    "tcp many.example",
    "udp short",
  ]);

  await service.serve({ id: "web", path: sandbox.path }, { ...settings, upstreams, mayAskOutside: false });
  assert.deepEqual(await ask(sandbox, "example.org A", "web A"), ["ESERVFAIL", ["172.18.0.2"]]);
  await service.serve({ id: "web", path: sandbox.path }, { ...settings, upstreams, keepsSingleLabels: true });
  assert.deepEqual(await ask(sandbox, "short A", "short.example A"), ["ENODATA", ["192.0.2.1"]]);
  assert.deepEqual(heard.splice(0), ["udp short.example"]);

  await end(child);
  assert.deepEqual(await ask(sandbox, "example.org A"), ["ESERVFAIL"], "nobody listens any more");
});

test("a server that says nothing is passed over", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const upstreams = ["127.0.0.2", "127.0.0.3"].map((address) => ({ address, fromHost: false }));
  const { sandbox } = await openResolver(undo, { upstreams });
  const second = await startServer(undo, sandbox, "127.0.0.3");
  await sandbox.run("nft", "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }");
  await sandbox.run("nft", "add rule ip deaf in ip daddr 127.0.0.2 drop");
  assert.deepEqual(await ask(sandbox, "example.org A", "no.example A", "mute.example A"), [
    ["192.0.2.1"],
    "ENOTFOUND",
    "ESERVFAIL",
  ]);
  assert.ok(second.heard.includes("udp no.example"));
});

test("a server may have an IPv6 address, written in any way", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { sandbox } = await openResolver(undo, { upstreams: [{ address: "0:0::1", fromHost: false }] });
  const { heard } = await startServer(undo, sandbox, "::1");
  assert.deepEqual(await ask(sandbox, "example.org A", "many.example A"), [
    ["192.0.2.1"],
    Array.from({ length: 200 }, (_, index) => `192.0.2.${index + 1}`).toSorted(),
  ]);
  assert.deepEqual(heard, ["ready", "udp example.org", "udp many.example", "tcp many.example"]);
});

test("what is no question harms nobody", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { sandbox } = await openResolver(undo);
  const script = `
    const dgram = require("dgram"), net = require("net"), { randomBytes } = require("crypto");
    const s = dgram.createSocket("udp4");
    for (let n = 0; n < 500; n++) s.send(randomBytes(n * 7 % 1500), 53, "127.0.0.11");
    s.send(Buffer.alloc(65507, 0xc0), 53, "127.0.0.11", () => s.close());
    for (const bytes of [Buffer.from([0xff]), Buffer.alloc(100000, 1), Buffer.from([0, 0, 0, 1, 9])])
      net.connect(53, "127.0.0.11", function () { this.end(bytes); this.resume(); }).on("error", () => {});
    const half = net.connect(53, "127.0.0.11", () => half.write(Buffer.from([0, 50, 1]), () => half.destroy()));`;
  assert.equal((await sandbox.run(process.execPath, "-e", script)).status, 0);
  // From port 0, where no answer can be sent: a container may make such packets.
  const question = "bytes.fromhex('000701000001000000000000037765620000010001')";
  const forged = `import socket, struct; q = ${question}; raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(struct.pack("!HHHH", 0, 61053, 8 + len(q), 0) + q, ("127.0.0.11", 0))`;
  assert.equal((await sandbox.run("python3", "-c", forged)).output, "");
  assert.deepEqual(await ask(sandbox, "web A"), [["172.18.0.2"]]);
});

test("a new daemon takes over, whoever has the port", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { sandbox, service, zygote, directory } = await openResolver(undo);
  const before = socketCount();
  service.stop("web");
  assert.ok(socketCount() <= before - 2, "the sockets are closed at once");
  assert.deepEqual(await ask(sandbox, "web A"), ["ECONNREFUSED"]);

  const taker = spawn("nsenter", [`--net=${sandbox.path}`, "busybox", "nc", "-l", "-p", "61053"]);
  undo.defer(() => end(taker));
  await until(async () => (await sandbox.run("ss", "-ltn")).output.includes(":61053"));
  const next = undo.use(new NameService({ sockets: zygote.sockets, directory }));
  await next.serve({ id: "web", path: sandbox.path }, settings);
  assert.deepEqual(await ask(sandbox, "web A"), [["172.18.0.2"]]);
  const rules = await sandbox.rules();
  assert.equal(rules.match(/dnat to 127\.0\.0\.11:61054/g)?.length, 2, rules);
  assert.equal(rules.match(/dnat/g)?.length, 2, rules);
});

test(
  "a resolver that is stopped while it is made, or whose namespace is none, leaves nothing",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { sandbox, service } = await openResolver(undo);
    const before = socketCount();
    await assert.rejects(
      service.serve({ id: "gone", path: "/nowhere" }, settings),
      /sandbox: openat2\(2\): ENOENT/,
    );
    const serving = service.serve({ id: "other", path: sandbox.path }, settings);
    service.stop("other");
    await serving.catch(() => undefined);
    await until(() => socketCount() <= before);
    assert.ok(socketCount() <= before);
  },
);

test(
  "nothing can be made of a connection that a client keeps open, once the sandbox is gone",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const { sandbox, service } = await openResolver(undo);
    const client = spawn("nsenter", [`--net=${sandbox.path}`, "busybox", "nc", "127.0.0.11", "53"]);
    undo.defer(() => end(client));
    const ended = once(client, "exit");
    await until(async () => (await sandbox.run("ss", "-tn")).output.includes("127.0.0.11:53"));
    service.stop("web");
    await ended;
  },
);
