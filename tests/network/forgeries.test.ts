// What a container can forge with the rights that every container has, and whom it reaches with it: neighbours on its own network, as with
// Docker, and nobody else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { buildForger } from "./build-forger.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
let forger: string;
const pids = new Map<string, string>();

const start = async (name: string, network: string, address: string): Promise<void> => {
  const place = ["--name", name, "--network", network, "--ip", address, "-v", `${forger}:/forger:ro`];
  const id = await engine.docker("run", "-d", ...place, "busybox", "sleep", "9999");
  pids.set(name, await engine.docker("inspect", "-f", "{{.State.Pid}}", id));
};

before(async () => {
  if (skip) return;
  engine = await startEngine();
  forger = buildForger(engine.dir);
  await importBusybox(engine);
  const create = (...words: readonly string[]) => engine.docker("network", "create", ...words);
  await create("--subnet", "10.46.0.0/24", "--ipv6", "--subnet", "fd00:46::/64", "one");
  await create("--subnet", "10.47.0.0/24", "two");
  await create("--subnet", "10.48.0.0/24", "-o", "com.docker.network.bridge.enable_icc=false", "apart");
  await start("victim", "one", "10.46.0.2");
  await start("liar", "one", "10.46.0.3");
  await start("other", "two", "10.47.0.2");
  await start("shut", "apart", "10.48.0.2");
  await start("shut-liar", "apart", "10.48.0.3");
});
after(async () => {
  if (engine === undefined) return;
  await engine.docker("rm", "-f", ...pids.keys());
  await engine[Symbol.asyncDispose]();
});

const onHost = (...command: readonly string[]) => must(command, { netns: engine.netns });
const inside = (name: string, ...command: readonly string[]) =>
  must(["nsenter", `--net=/proc/${pids.get(name)}/ns/net`, ...command]);
const forge = (name: string, ...words: readonly string[]) => engine.docker("exec", name, "/forger", ...words);
const ping = (address: string) => ["busybox", "ping", "-c", "1", "-W", "20", address] as const;
const macOf = (name: string): Promise<string> =>
  engine.docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}", name);

test("an address is taken over by ARP on one's own network only, and not where containers are apart", {
  skip,
}, async () => {
  const [liar, shutLiar] = [await macOf("liar"), await macOf("shut-liar")];
  await onHost(...ping("10.47.0.2"));
  await inside("victim", ...ping("10.46.0.1"));
  await forge("liar", "arp", "eth0", "10.47.0.2");
  await forge("liar", "arp", "eth0", "10.46.0.1");
  const gateway = () => inside("victim", "ip", "neighbour", "show", "10.46.0.1");
  await until(async () => (await gateway()).includes(liar));
  assert.ok((await gateway()).includes(liar), "a bridge is one wire, as with Docker");
  assert.ok(!(await onHost("ip", "neighbour", "show", "10.47.0.2")).includes(liar));
  await onHost(...ping("10.47.0.2"));

  await onHost(...ping("10.48.0.2"));
  await inside("shut", ...ping("10.48.0.1"));
  await forge("shut-liar", "arp", "eth0", "10.48.0.1");
  await forge("shut-liar", "arp", "eth0", "10.48.0.2");
  const shut = () => onHost("ip", "neighbour", "show", "10.48.0.2");
  await until(async () => (await shut()).includes(shutLiar));
  assert.ok((await shut()).includes(shutLiar), "the host is on that network, too");
  assert.ok(!(await inside("shut", "ip", "neighbour", "show", "10.48.0.1")).includes(shutLiar));
});

test("without NET_RAW nothing can be forged", { skip }, async () => {
  const drop = ["run", "--rm", "--cap-drop", "NET_RAW", "-v", `${forger}:/forger:ro`, "busybox", "/forger"];
  for (const words of [
    ["arp", "eth0", "172.17.0.1"],
    ["redirect", "172.17.0.1", "172.17.0.2", "198.51.100.9", "172.17.0.3"],
    ["router", "eth0"],
  ])
    assert.match((await engine.tryDocker([...drop, ...words])).stderr, /^socket: Operation not permitted/);
});

test("a redirect by ICMP comes to a neighbour, whose kernel decides as with Docker; the host, which forwards, does not obey", {
  skip,
}, async () => {
  const target = "198.51.100.9";
  await onHost("ip", "route", "add", "198.51.100.0/24", "via", "10.46.0.2");
  await onHost(...ping("10.46.0.3"));
  await inside("victim", ...ping("10.46.0.3"));
  const obey = (link: string) => ["all", link].map((name) => `net.ipv4.conf.${name}.accept_redirects=1`);
  await inside("victim", "sysctl", "-qw", ...obey("eth0"));
  await forge("liar", "redirect", "10.46.0.2", "10.46.0.1", target, "10.46.0.3");
  await forge("liar", "redirect", "10.46.0.1", "10.46.0.2", target, "10.46.0.3");
  const way = () => inside("victim", "ip", "route", "get", target);
  await until(async () => (await way()).includes("via 10.46.0.3"));
  assert.match(await way(), /via 10\.46\.0\.3/);
  const hostsWay = () => onHost("ip", "route", "get", target);
  assert.match(await hostsWay(), /via 10\.46\.0\.2/);
  // The same packet, to a host that is told to believe it.
  const id = await engine.docker("network", "inspect", "-f", "{{.Id}}", "one");
  await onHost("sysctl", "-qw", ...obey(`br-${id.slice(0, 12)}`));
  await forge("liar", "redirect", "10.46.0.2", "10.46.0.1", target, "10.46.0.3");
  await until(async () => (await hostsWay()).includes("via 10.46.0.3"));
  assert.match(await hostsWay(), /via 10\.46\.0\.3/);
});

test("CVE-2020-13401: nobody takes a container for a router", { skip }, async () => {
  const id = await engine.docker("network", "inspect", "-f", "{{.Id}}", "one");
  const routes = () => onHost("ip", "-6", "route");
  await forge("liar", "router", "eth0");
  await inside("liar", ...ping("fd00:46::1"));
  assert.doesNotMatch(await routes(), /2001:db8:bad|default/);
  assert.doesNotMatch(await inside("victim", "ip", "-6", "route"), /2001:db8:bad/);
  // The same packet, to a host that is told to believe it.
  await onHost("sysctl", "-qw", `net.ipv6.conf.br-${id.slice(0, 12)}.accept_ra=2`);
  await forge("liar", "router", "eth0");
  await until(async () => (await routes()).includes("2001:db8:bad"));
  assert.match(await routes(), /2001:db8:bad/);
});

test("CVE-2025-9074: no port of the engine can be reached from a container", { skip }, async () => {
  const serving = ["busybox", "httpd", "-f", "-p", "80"];
  await engine.docker("run", "-d", "--name", "web", "--network", "two", "-p", "8088:80", ...serving);
  const portsOf = (sockets: string): readonly string[] => [
    ...new Set(
      [...sockets.matchAll(/^\w+ +\S+ +\S+ +\S+ +(\S+):(\d+)/gm)].map(
        ([, address, port]) => `${address} ${port}`,
      ),
    ),
  ];
  const open = portsOf(await onHost("ss", "-Hltun", "-A", "inet"));
  assert.deepEqual(
    open.filter((place) => !place.endsWith(" 8088")),
    [],
    "only what is published",
  );
  const own = portsOf(await inside("liar", "ss", "-Hltun", "-A", "inet"));
  assert.deepEqual(
    [...new Set(own.map((place) => place.replace(/ .*/, "")))],
    ["127.0.0.11"],
    "the resolver",
  );
  for (const [address, port] of [
    ["10.46.0.1", "2375"],
    ["10.46.0.1", "2376"],
    ["10.46.0.2", own[0]?.split(" ")[1] ?? ""],
  ] as const) {
    const asked = [
      "nsenter",
      `--net=/proc/${pids.get("liar")}/ns/net`,
      "busybox",
      "nc",
      "-w",
      "5",
      address,
      port,
    ];
    assert.notEqual((await run(asked)).code, 0, `${address}:${port}`);
  }
  await engine.docker("rm", "-f", "web");
});
