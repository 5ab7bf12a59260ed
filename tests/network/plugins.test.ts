// Network plugins: a real one in a process of its own, asked by gantryd and by dockerd for the same command lines; one that hangs, lies or dies.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { splitWords } from "../side-by-side/walk-file.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { must, startBackground } from "../system/process.ts";
import { until } from "../system/until.ts";
import { type NetworkPlugin, startNetworkPlugin } from "./network-plugin.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** What a user does with a plugin's networks; "D" stands for the driver. */
const lines = [
  "network create -d D --subnet 10.81.0.0/24 --aux-address one=10.81.0.5 -o a=b -o c=d p-one",
  "network create -d D --internal --subnet 10.82.0.0/24 --gateway 10.82.0.9 p-two",
  "network create -d D --ipam-driver null p-bare",
  "network create --ipam-driver D --ipam-opt x=1 --ipam-opt y=2 p-given",
  "network create --ipam-driver D --subnet 10.84.0.0/16 --ip-range 10.84.7.0/24 --gateway 10.84.7.1 --aux-address a=10.84.7.2 -o com.docker.network.bridge.name=p-asked0 p-asked",
  "network create -d D --ipam-driver D p-both",
  "network inspect -f {{.Driver}}|{{.IPAM.Driver}}|{{.IPAM.Options}}|{{.IPAM.Config}} p-given p-asked p-both",
  "run --rm --network p-given busybox ip -o -4 address show eth0",
  "run --rm --network p-asked --ip 10.84.9.9 --mac-address 02:00:00:00:00:99 busybox ip -o address show eth0",
  "run --rm --network p-both busybox ip -o -4 address show net0",
  "network rm p-given p-asked p-both",
  "network inspect -f {{.Driver}}|{{.Scope}}|{{.Options}}|{{.IPAM.Config}} p-one p-bare",
  "network ls --filter driver=D --format {{.Name}}|{{.Driver}}|{{.Scope}}",
  "run --rm --network p-one busybox ip -o -4 address show net0",
  "run --rm --network p-one busybox ip route",
  "run --rm --network p-one --ip 10.81.0.77 --dns 192.0.2.1 busybox ip -o -4 address show net0",
  "run --rm --network p-one --mac-address 02:00:00:00:00:99 busybox cat /sys/class/net/net0/address",
  "run --rm --network p-one -p 127.0.0.1:8080:80 -p 9000-9001:9000-9001/udp --expose 70 busybox true",
  "run --rm --network p-two -p 8081:80 busybox ip -o -4 address show net0",
  "create --name p-user --network bridge busybox sleep 600",
  "start p-user",
  "network connect --ip 10.81.0.33 --alias other --driver-opt x=y p-one p-user",
  "network connect p-two p-user",
  "exec p-user ip -o -4 address show net0",
  "inspect -f '{{with index .NetworkSettings.Networks \"p-one\"}}{{.IPAddress}} {{.Gateway}} {{.MacAddress}}{{end}}' p-user",
  "network disconnect p-one p-user",
  "exec p-user ip -o link show net1",
  "rm -f p-user",
  "info -f {{.Plugins.Network}}",
  "network rm p-one p-two p-bare",
  "network inspect p-one",
];

interface Told {
  readonly results: readonly string[];
  readonly asked: readonly string[];
}

async function perform(engine: Client, plugin: NetworkPlugin): Promise<Told> {
  const results: string[] = [];
  for (const line of lines) {
    const words = splitWords(line).map((word) => word.replace(/(^|=)D$/, `$1${plugin.name}`));
    const { code, stdout, stderr } = await engine.tryDocker(words, { env: { DOCKER_API_VERSION: "1.41" } });
    results.push(`${line}: ${code} ${normal(`${stdout}${stderr}`, plugin)}`);
  }
  const asked = plugin
    .asked()
    .filter(isOfUse)
    .map((text) => normalRequest(text, plugin));
  // dockerd gives the pools back before the network goes.
  const isLast = (text: string): boolean => text.startsWith("NetworkDriver.DeleteNetwork");
  return { results, asked: [...asked.filter((text) => !isLast(text)), ...asked.filter(isLast)] };
}

/** dockerd asks for what it makes nothing of. */
const isOfUse = (text: string): boolean => !text.startsWith("NetworkDriver.EndpointOperInfo");

/** Ids are new in each run, and interfaces have numbers of their own. */
const normal = (text: string, { name }: NetworkPlugin): string =>
  text
    .replaceAll(name, "D")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/^\d+: /gm, "N: ")
    .replaceAll(/@if\d+/g, "@ifN")
    .replaceAll(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, (mac) => (mac.endsWith(":99") ? mac : "MAC"))
    .replaceAll(/"Ak[I-L][0-9A-Za-z+/]{5}"/g, '"MAC"')
    .replaceAll(/ (overlay|private)\b/g, "");

/** Lists of ports come in the order of a Go map. */
function normalRequest(text: string, plugin: NetworkPlugin): string {
  const space = text.indexOf(" ");
  const body = text.slice(space + 1);
  if (body === "") return text;
  const sorted = JSON.stringify(JSON.parse(body), (key, value) => {
    if (key === "SandboxKey") return "PATH";
    if (Object(value).ChildEndpoints === null) return undefined; // of dockerd's own bridge
    if (Array.isArray(value) && /ports|portmap/.test(key))
      return value.map((item) => JSON.stringify(item)).sort();
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  });
  return `${text.slice(0, space)} ${normal(sorted, plugin)}`;
}

test("a plugin is asked for networks and endpoints as dockerd asks it", { skip }, async () => {
  const told: Told[] = [];
  for (const start of [startEngine, startPeer]) {
    await using engine = await start();
    await importBusybox(engine);
    await using plugin = await startNetworkPlugin(engine.netns);
    told.push(await perform(engine, plugin));
  }
  assert.deepEqual(told[0], told[1]);
});

describe("a plugin's network", { skip }, () => {
  let engine: Engine;
  let plugin: NetworkPlugin;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
    plugin = await startNetworkPlugin(engine.netns);
    await engine.docker("network", "create", "-d", plugin.name, "--subnet", "10.83.0.0/24", "odd");
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await plugin[Symbol.asyncDispose]();
  });
  const linksOf = async (prefix: string): Promise<readonly string[]> =>
    [...(await must(["ip", "-o", "link"], { netns: engine.netns })).matchAll(/^\d+: ([^:@]+)/gm)]
      .map(([, name = ""]) => name)
      .filter((name) => name.startsWith(prefix));
  /** What the plugin has made. */
  const hostLinks = () => linksOf("gp");
  const run = (...words: readonly string[]) => engine.docker("run", "--rm", "--network", "odd", ...words);
  const verbs = () => plugin.asked().map((text) => text.replace(/ .*/s, ""));

  test("containers on it reach each other by name, and go on over a crash of the daemon", async () => {
    const before = await hostLinks();
    await engine.docker("run", "-d", "--name", "server", "--network", "odd", "busybox", "sleep", "600");
    await run("busybox", "ping", "-c", "1", "-W", "20", "server");
    await engine.kill();
    await engine.restart();
    await run("busybox", "ping", "-c", "1", "-W", "20", "server");
    const { code, stderr } = await engine.tryDocker(["network", "rm", "odd"]);
    assert.deepEqual([code, /has active endpoints/.test(stderr)], [1, true]);
    plugin.forget();
    await engine.docker("rm", "-f", "server");
    assert.deepEqual(verbs(), [
      "NetworkDriver.RevokeExternalConnectivity",
      "NetworkDriver.Leave",
      "NetworkDriver.DeleteEndpoint",
    ]);
    assert.deepEqual(await hostLinks(), before);
  });

  const join = (answer: object) => ({ "NetworkDriver.Join": { answer } });
  const interfaceName = (SrcName: string) => join({ InterfaceName: { SrcName, DstPrefix: "eth" } });
  for (const [what, behaviour, message] of [
    ["the host's loopback", interfaceName("lo"), /it is the host's loopback/],
    ["a bridge of the host", interfaceName("docker0"), /the host has an address on it/],
    ["an interface that is not there", interfaceName("nosuch0"), /Link not found/],
    ["a gateway elsewhere", join({ Gateway: "192.0.2.1" }), /gateway 192.0.2.1 is on no network/],
    ["another type", join({ InterfaceName: 7 }), /InterfaceName: expected object, got number/],
    ["no JSON", { "NetworkDriver.Join": { text: "<html>" } }, /the answer is no JSON/],
    ["megabytes", { "NetworkDriver.Join": { flood: true } }, /the answer is over \d+ bytes/],
    ["its end", { "NetworkDriver.Join": { text: "down", status: 500 } }, /NetworkDriver.Join: down/],
    [
      "another address",
      { "NetworkDriver.CreateEndpoint": { answer: { Interface: { Address: "10.83.0.200/24" } } } },
      /endpoint interface IP present \(10\.83\.0\.\d+\/24\)\. Cannot be modified/,
    ],
  ] as const)
    test(`a start that a plugin answers by ${what} fails, and leaves nothing`, async () => {
      const before = await hostLinks();
      plugin.forget();
      plugin.behave(behaviour);
      const { code, stderr } = await engine.tryDocker(["run", "--rm", "--network", "odd", "busybox", "true"]);
      plugin.behave({});
      assert.notEqual(code, 0);
      assert.match(stderr, message);
      assert.equal(verbs().at(-1), "NetworkDriver.DeleteEndpoint");
      assert.equal(await engine.docker("ps", "-aq"), "");
      assert.deepEqual(await hostLinks(), before);
    });

  test("the host's end of another container's interface is not taken from it", async () => {
    await engine.docker("run", "-d", "--name", "other", "busybox", "sleep", "600");
    const [veth = ""] = await linksOf("veth");
    plugin.behave(interfaceName(veth));
    const { stderr } = await engine.tryDocker(["run", "--rm", "--network", "odd", "busybox", "true"]);
    plugin.behave({});
    assert.match(stderr, /it is a port of another interface/);
    await engine.docker("exec", "other", "ip", "link", "show", "eth0");
    await engine.docker("rm", "-f", "other");
  });

  test("one that hangs holds up nobody else, and nothing is left when its client gives up", async () => {
    const before = await hostLinks();
    await engine.docker("create", "--name", "waits", "--network", "odd", "busybox", "true");
    plugin.forget();
    plugin.behave({ "NetworkDriver.Join": { hang: true } });
    const client = startBackground(["docker", "start", "waits"], {
      netns: engine.netns,
      env: { DOCKER_HOST: engine.host },
    });
    await until(() => verbs().includes("NetworkDriver.Join"));
    assert.ok(verbs().includes("NetworkDriver.Join"));
    assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "ran"), "ran");
    await client.signal("SIGKILL");
    await until(() => verbs().includes("NetworkDriver.DeleteEndpoint"));
    assert.ok(verbs().includes("NetworkDriver.DeleteEndpoint"));
    plugin.behave({});
    await engine.docker("start", "-a", "waits");
    await engine.docker("rm", "waits");
    assert.deepEqual(await hostLinks(), before);
  });

  test("one that dies is told when it is back", async () => {
    const before = await hostLinks();
    plugin.behave({ "NetworkDriver.Join": { die: "after" } });
    const { code } = await engine.tryDocker(["run", "--rm", "--network", "odd", "busybox", "true"]);
    assert.notEqual(code, 0);
    assert.equal(await engine.docker("ps", "-aq"), "");
    plugin.behave({});
    await plugin.restart();
    await run("busybox", "true");
    assert.deepEqual(verbs().slice(0, 4), [
      "NetworkDriver.Leave",
      "NetworkDriver.DeleteEndpoint",
      "NetworkDriver.CreateEndpoint",
      "NetworkDriver.Join",
    ]);
    assert.deepEqual(await hostLinks(), before);
  });

  test("a daemon that is killed between CreateEndpoint and Join has the endpoint deleted when it is back", async () => {
    const before = await hostLinks();
    await engine.docker("create", "--name", "half", "--network", "odd", "busybox", "true");
    plugin.forget();
    plugin.behave({ "NetworkDriver.Join": { hang: true } });
    const starting = engine.tryDocker(["start", "half"]);
    await until(() => verbs().includes("NetworkDriver.Join"));
    assert.ok(verbs().includes("NetworkDriver.Join"));
    await engine.kill();
    await starting;
    plugin.behave({});
    await engine.restart();
    await until(() => verbs().includes("NetworkDriver.DeleteEndpoint"));
    assert.deepEqual(verbs().slice(-2), ["NetworkDriver.Leave", "NetworkDriver.DeleteEndpoint"]);
    await engine.docker("rm", "half");
    assert.deepEqual(await hostLinks(), before);
  });

  test("the daemon starts without it: containers elsewhere run, those on its network say why they do not", async () => {
    await plugin.kill();
    await engine.stop();
    await engine.restart();
    assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "ran"), "ran");
    const { code, stderr } = await engine.tryDocker(["run", "--rm", "--network", "odd", "busybox", "true"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /failed to create endpoint .* on network odd: plugin ".*" not found/);
    await plugin.restart();
    await run("busybox", "true");
  });

  const given = (verb: string) =>
    plugin
      .asked()
      .filter((text) => text.startsWith(`IpamDriver.${verb}`))
      .map((text) => String(JSON.parse(text.slice(text.indexOf(" "))).Address));

  test("addresses that a plugin gives stay with who has them, over restarts of the daemon", async () => {
    await engine.docker("network", "create", "--ipam-driver", plugin.name, "given");
    await engine.docker("run", "-d", "--name", "stays", "--network", "given", "busybox", "sleep", "600");
    await engine.kill();
    plugin.forget();
    await engine.restart();
    const run = ["run", "--rm", "--network", "given"];
    await engine.docker(...run, "busybox", "ping", "-c", "1", "-W", "20", "stays");
    assert.deepEqual(given("RequestPool"), []);
    assert.equal(given("RequestAddress").length, 1);
    assert.equal(given("ReleaseAddress").length, 1);
    const address = await engine.docker(
      "inspect",
      "-f",
      "{{.NetworkSettings.Networks.given.IPAddress}}",
      "stays",
    );
    plugin.behave({ "IpamDriver.RequestAddress": { answer: { Address: `${address}/24` } } });
    const twice = await engine.tryDocker([...run, "busybox", "true"]);
    assert.match(twice.stderr, new RegExp(`gives the address ${address}, which was given already`));
    plugin.behave({ "IpamDriver.RequestAddress": { answer: { Address: "192.0.2.7/24" } } });
    const outside = await engine.tryDocker([...run, "busybox", "true"]);
    assert.match(outside.stderr, /was asked for an address of .* and gives "192.0.2.7\/24"/);
    plugin.behave({});
    assert.equal(given("ReleaseAddress").at(-1), "192.0.2.7");
    plugin.forget();
    await engine.docker("rm", "-f", "stays");
    assert.deepEqual(given("ReleaseAddress"), [address]);
    await engine.docker("network", "rm", "given");
    assert.equal(given("ReleasePool").length, 1);
    assert.equal(await engine.docker("ps", "-aq"), "");
  });

  test("an address that was given when the daemon was killed, and nobody got, is given back", async () => {
    await engine.docker("network", "create", "-d", plugin.name, "--ipam-driver", plugin.name, "both");
    await engine.docker("create", "--name", "half", "--network", "both", "busybox", "true");
    plugin.forget();
    plugin.behave({ "NetworkDriver.CreateEndpoint": { hang: true } });
    const starting = engine.tryDocker(["start", "half"]);
    await until(() => verbs().includes("NetworkDriver.CreateEndpoint"));
    assert.equal(given("RequestAddress").length, 1);
    await engine.kill();
    await starting;
    plugin.behave({});
    await engine.restart();
    await until(() => given("ReleaseAddress").length > 0);
    assert.equal(given("ReleaseAddress").length, 1);
    await engine.docker("rm", "half");
    await engine.docker("network", "rm", "both");
    assert.deepEqual([given("ReleaseAddress").length, given("ReleasePool").length], [2, 1]);
  });

  test("a pool that is none makes no network", async () => {
    plugin.behave({ "IpamDriver.RequestPool": { answer: { Pool: "10.0.0.0/99" } } });
    const words = ["network", "create", "--ipam-driver", plugin.name, "wrong"];
    const { code, stderr } = await engine.tryDocker(words);
    plugin.behave({});
    assert.deepEqual([code, /gives what is no pool of IPv4/.test(stderr)], [1, true]);
    assert.equal(await engine.docker("network", "ls", "-q", "--filter", "name=wrong"), "");
  });

  test("a network goes with what the plugin has made for it", async () => {
    await engine.docker("network", "rm", "odd");
    assert.deepEqual(verbs().at(-1), "NetworkDriver.DeleteNetwork");
    assert.deepEqual(await hostLinks(), []);
  });
});
