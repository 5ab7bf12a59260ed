// The rules of the firewall against who would get round them: hosts of the LAN, containers of other networks, other firewalls.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { redirectFlows } from "#network/firewall/flows.ts";
import { until } from "../system/until.ts";
import { FirewallHost } from "./firewall-host.ts";
import { answered, ask, serve } from "./probe.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };
const LAN = "192.168.77.1";

test("a published port answers to everyone, who sees whom", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { host, lan } = place;
  await place.network("a", 31);
  const [web, neighbour] = [await place.container("a", 31, 2), await place.container("a", 31, 3)];
  await serve(undo, web, "tcp", 80);
  await place.publish({ container: "172.31.0.2" }, { container: "fd00:31::2", hostIp: "::" });
  assert.equal(await ask(lan, "tcp", LAN, 8080), "80 from 192.168.77.2");
  assert.equal(await ask(lan, "tcp", "fd77::1", 8080), "80 from fd77::2");
  assert.equal(await ask(host, "tcp", LAN, 8080), `80 from ${LAN}`);
  assert.equal(await ask(host, "tcp", "127.0.0.1", 8080), "80 from 172.31.0.1");
  assert.equal(await ask(neighbour, "tcp", LAN, 8080), "80 from 172.31.0.1");
  assert.equal(await ask(neighbour, "tcp", "fd77::1", 8080), "80 from fd00:31::1");
  assert.equal(await ask(web, "tcp", LAN, 8080), "80 from 172.31.0.1", "the container itself");
});

test("a neighbour on the LAN reaches only what is published for it", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { host, lan } = place;
  await place.network("a", 31);
  const web = await place.container("a", 31, 2);
  await serve(undo, web, "tcp", 80, 81);
  await serve(undo, host, "tcp", 99);
  await place.publish({ container: "172.31.0.2", hostIp: "127.0.0.1" });
  assert.match(await ask(host, "tcp", "127.0.0.1", 8080), /^80 from/);
  assert.deepEqual(await answered([lan, "tcp", LAN, 8080]), []);
  // It sends packets for the host's loopback and for the container itself, by its own routes.
  await lan.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  await lan.run("ip", "address", "del", "127.0.0.1/8", "dev", "lo");
  await lan.run("ip", "route", "add", "127.0.0.0/8", "via", LAN, "src", "192.168.77.2");
  await host.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  const direct = ["172.31.0.2", "fd00:31::2"].flatMap((address) =>
    [80, 81].map((port) => [lan, "tcp", address, port] as const),
  );
  const ownAddress = [lan, "tcp", "172.31.0.1", 99] as const; // the host's, on the bridge
  assert.deepEqual(await answered([lan, "tcp", "127.0.0.1", 8080], ...direct, ownAddress), []);
  assert.match(await ask(web, "tcp", "172.31.0.1", 99), /^99 from/);
});

test(
  "with direct routing published ports are reached by the containers' addresses, and nothing else",
  asRoot,
  async () => {
    await using undo = new AsyncDisposableStack();
    const place = await FirewallHost.open(undo);
    const { lan } = place;
    await place.network("a", 31, { direct: true });
    await place.network("i", 32, { direct: true, internal: true });
    const web = await place.container("a", 31, 2);
    const inner = await place.container("i", 32, 2);
    await serve(undo, web, "tcp", 80, 81);
    await serve(undo, inner, "tcp", 80);
    await place.publish({ container: "172.31.0.2" }, { container: "fd00:31::2", hostIp: "::" });
    for (const address of ["172.31.0.2", "fd00:31::2"])
      assert.match(await ask(lan, "tcp", address, 80), /^80 from (192\.168|fd77::2)/);
    const others = [
      [lan, "tcp", "172.31.0.2", 81],
      [lan, "tcp", "172.32.0.2", 80],
    ] as const;
    assert.deepEqual(await answered(...others), []);
  },
);

test("networks are apart, internal ones from everything", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { lan } = place;
  await place.network("a", 31);
  await place.network("b", 32);
  await place.network("i", 33, { internal: true });
  const a = await place.container("a", 31, 2);
  const b = await place.container("b", 32, 2);
  const [inner, other] = [await place.container("i", 33, 2), await place.container("i", 33, 3)];
  for (const namespace of [a, b, inner, lan]) await serve(undo, namespace, "tcp", 80);
  assert.equal(await ask(b, "tcp", "192.168.77.2", 80), `80 from ${LAN}`, "out of a network");
  assert.equal(await ask(b, "tcp", "fd77::2", 80), "80 from fd77::1");
  assert.deepEqual(await answered([b, "tcp", "172.31.0.2", 80], [b, "tcp", "fd00:31::2", 80]), []);
  await place.publish({ container: "172.31.0.2" });
  assert.match(await ask(b, "tcp", LAN, 8080), /^80 from/, "published ports are for other networks, too");
  assert.equal(await ask(other, "tcp", "172.33.0.2", 80), "80 from 172.33.0.3");
  const outward = ["192.168.77.2", "fd77::2", "172.31.0.2", "fd00:31::2"].map(
    (address) => [inner, "tcp", address, 80] as const,
  );
  const inward = [lan, a].flatMap((namespace) =>
    ["172.33.0.2", "fd00:33::2"].map((address) => [namespace, "tcp", address, 80] as const),
  );
  assert.deepEqual(await answered(...outward, [inner, "tcp", LAN, 8080], ...inward), []);
});

test("gateway modes: routed, unprotected, trusted interfaces, one source address", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { lan, host } = place;
  await place.network("r", 34, { gatewayMode: { ipv4: "routed", ipv6: "nat" } });
  await place.network("u", 35, { gatewayMode: { ipv4: "nat-unprotected", ipv6: "nat" } });
  await place.network("t", 36, { trustedInterfaces: ["lan0"], hostAddress: { ipv4: "192.168.77.9" } });
  const routed = await place.container("r", 34, 2);
  const open = await place.container("u", 35, 2);
  const trusting = await place.container("t", 36, 2);
  for (const namespace of [routed, open, trusting, lan]) await serve(undo, namespace, "tcp", 80, 81);
  await place.publish(
    { container: "172.34.0.2", network: "r", hostPort: 0 },
    { container: "172.36.0.2", network: "t", hostPort: 8082 },
  );
  assert.equal(await ask(lan, "tcp", "172.34.0.2", 80), "80 from 192.168.77.2");
  assert.equal((await lan.run("busybox", "ping", "-c1", "-W20", "172.34.0.2")).status, 0);
  assert.equal(await ask(routed, "tcp", "192.168.77.2", 80), "80 from 172.34.0.2", "no masquerade");
  assert.match(await ask(lan, "tcp", "172.35.0.2", 81), /^81 from/);
  assert.match(await ask(routed, "tcp", "172.35.0.2", 81), /^81 from/);
  assert.match(await ask(lan, "tcp", "172.36.0.2", 80), /^80 from/, "by a trusted interface");
  const closed = await answered(
    [lan, "tcp", "172.34.0.2", 81], // not published
    [lan, "tcp", "fd00:34::2", 80], // that family is not routed
    [lan, "tcp", "172.36.0.2", 81],
    [open, "tcp", "172.36.0.2", 80], // not by an interface that is trusted
  );
  assert.deepEqual(closed, []);
  await host.run("ip", "address", "add", "192.168.77.9/24", "dev", "lan0");
  assert.equal(await ask(trusting, "tcp", "192.168.77.2", 80), "80 from 192.168.77.9");
});

test("a range is one element, and each of its ports leads to its own", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { lan, host } = place;
  await place.network("a", 31);
  const inside = await place.container("a", 31, 2);
  await serve(undo, inside, "udp", 20_000, 25_000, 30_000);
  await serve(undo, inside, "tcp", 100, 110, 9100);
  const before = await host.rules();
  const ranges = await place.publish(
    {
      ...{ container: "172.31.0.2", proto: "udp", hostPort: 20_000, hostPortEnd: 30_000 },
      ...{ containerPort: 20_000, containerPortEnd: 30_000 },
    },
    { container: "172.31.0.2", hostPort: 9000, hostPortEnd: 9010, containerPort: 100, containerPortEnd: 110 },
    {
      container: "172.31.0.2",
      hostPort: 9050,
      hostPortEnd: 9090,
      containerPort: 9060,
      containerPortEnd: 9100,
    },
  );
  assert.ok((await host.rules()).split("\n").length <= before.split("\n").length + 6);
  for (const port of [20_000, 25_000, 30_000])
    assert.equal(await ask(lan, "udp", LAN, port), `${port} from 192.168.77.2`);
  assert.match(await ask(host, "udp", "127.0.0.1", 25_000), /^25000 from/);
  assert.match(await ask(lan, "tcp", LAN, 9000), /^100 from/);
  assert.match(await ask(lan, "tcp", LAN, 9010), /^110 from/);
  assert.match(await ask(lan, "tcp", LAN, 9090), /^9100 from/);
  assert.deepEqual(await answered([lan, "tcp", LAN, 9011]), []);
  await place.unpublish(ranges);
  assert.equal(await host.rules(), before);
});

test("what somebody flushes is back within a second, the administrator's chain stays", asRoot, async (t) => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { host, lan } = place;
  await place.network("a", 31);
  const web = await place.container("a", 31, 2);
  await serve(undo, web, "tcp", 80);
  await place.publish({ container: "172.31.0.2" });
  const table = /table ip (gantry-[0-9a-f]{8})/.exec(await host.rules())?.[1] ?? "";
  const forbid = ["nft", "add", "rule", "ip", table, "user", "ip", "saddr", "10.1.2.3", "drop"] as const;
  await host.run(...forbid);
  const before = await host.rules();
  const isBack = async (): Promise<boolean> => (await host.rules()) === before;
  for (const harm of [
    ["flush", "chain", "ip", table, "forward"],
    ["flush", "map", "ip", table, "published"],
    ["delete", "element", "ip", table, "guarded", "{ 172.31.0.0/16 }"],
  ]) {
    await host.run("nft", ...harm);
    await until(isBack);
  }
  const withoutUser = before.replace(/\n\t\tip saddr 10\.1\.2\.3 drop/, "");
  for (let trial = 0; trial < 5; trial++) {
    await host.run("nft", "flush", "ruleset");
    const flushed = performance.now();
    await until(async () => (await host.rules()) === withoutUser);
    t.diagnostic(`back after ${Math.round(performance.now() - flushed)} ms`);
  }
  assert.equal(await host.rules(), withoutUser);
  assert.deepEqual(await answered([lan, "tcp", "172.31.0.2", 80]), []);
  assert.match(await ask(lan, "tcp", LAN, 8080), /^80 from/);
});

test("where iptables drops what is forwarded, ours is let through, and nothing else", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { host, lan } = place;
  await place.network("a", 31);
  const web = await place.container("a", 31, 2);
  await serve(undo, web, "tcp", 80);
  await serve(undo, lan, "tcp", 80);
  await place.publish({ container: "172.31.0.2" });
  await host.run("iptables", "-P", "FORWARD", "DROP");
  const rules = async (): Promise<string> => (await host.run("iptables", "-S")).output;
  await until(async () => /GANTRY/.test(await rules()));
  assert.match(await ask(lan, "tcp", LAN, 8080), /^80 from/);
  assert.match(await ask(web, "tcp", "192.168.77.2", 80), /^80 from/);
  assert.deepEqual(await answered([lan, "tcp", "172.31.0.2", 80]), []);
  await place.network("b", 32);
  assert.match(await rules(), /-A FORWARD -j GANTRY-\w{8}\n.*-i br-a -j ACCEPT\n.*-o br-b -j ACCEPT/s);
  await place.firewall.removeNetwork("b");
  assert.doesNotMatch(await rules(), /br-b/);
  await place.firewall.removeAll();
  assert.doesNotMatch(await rules(), /GANTRY/);
});

test("packets of sctp go to a published port and back, one by one and in a range", {
  skip:
    asRoot.skip ||
    (!existsSync("/proc/sys/net/netfilter/nf_conntrack_sctp_timeout_closed") && "no sctp in conntrack"),
}, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  await place.network("a", 31);
  const inside = await place.container("a", 31, 2);
  const program = join(import.meta.dirname, "sctp-packets.py");
  for (const [containerPort, more] of [
    [90, { hostPort: 9090 }],
    [21_005, { hostPort: 31_000, hostPortEnd: 31_099, containerPort: 21_000, containerPortEnd: 21_099 }],
  ] as const) {
    const server = spawn("nsenter", [
      `--net=${inside.path}`,
      "python3",
      program,
      "serve",
      `${containerPort}`,
    ]);
    undo.defer(async () => {
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    });
    await once(server.stdout, "data");
    await place.publish({ container: "172.31.0.2", proto: "sctp", containerPort, ...more });
    const port = more.hostPort + (containerPort === 90 ? 0 : 5);
    const { output } = await place.lan.run("python3", program, "ask", LAN, String(port));
    assert.equal(output.trim(), `${containerPort} from 192.168.77.2`);
  }
});

test("old flows of datagrams go where a port leads now", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  const { host, lan, executor } = place;
  await place.network("a", 31);
  const inside = await place.container("a", 31, 2);
  await serve(undo, inside, "udp", 5000, 21_000);
  // A sender with one source port that does not stop: it was there before the port was published.
  const sender = `const s=require("node:dgram").createSocket("udp4");s.bind(7777);s.on("message",m=>{console.log(String(m));process.exit()});setInterval(()=>{s.send("?",5000,"${LAN}");s.send("?",21000,"${LAN}")},20);setTimeout(()=>process.exit(1),8000)`;
  for (const port of [
    { hostPort: 5000, containerPort: 5000 },
    { hostPort: 20_000, hostPortEnd: 30_000, containerPort: 20_000, containerPortEnd: 30_000 },
  ]) {
    const answer = lan.run(process.execPath, "-e", sender);
    await until(async () => /sport=7777|7777/.test((await host.run("cat", "/proc/net/nf_conntrack")).output));
    const published = await place.publish({ container: "172.31.0.2", proto: "udp", ...port });
    await redirectFlows(executor, published);
    assert.match((await answer).output, /from 192\.168\.77\.2/);
    await place.unpublish(published);
  }
});

test("the rules are those that docs/networking.md shows", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  await place.network("a", 31);
  const listed = /^table ip gantry-\w+ \{\n(.+?)^\}/ms.exec(await place.host.rules())?.[1] ?? "";
  const chains = listed.slice(listed.indexOf("\tchain user")).replaceAll(/^\t/gm, "").trim();
  const docs = readFileSync(new URL("../../docs/networking.md", import.meta.url), "utf8");
  const shown = /```nft\n([^`]+)\n```/.exec(docs)?.[1];
  assert.equal(shown, chains.replaceAll("\t", "  "));
});
