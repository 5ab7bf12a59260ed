// Debian's docker-compose 1.29 with its options of networks, volumes and ports.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must } from "../system/process.ts";
import { composeOf } from "./compose.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
  await engine.docker("network", "create", "outside");
  await engine.docker(
    "run",
    "-d",
    "--name",
    "opt-outside",
    "--network",
    "outside",
    "busybox",
    "sleep",
    "1000",
  );
});
after(() => engine?.[Symbol.asyncDispose]());

const { compose } = composeOf(() => engine, "opt", "options.yml");
const inspect = async (format: string, name: string): Promise<unknown> =>
  JSON.parse(await engine.docker("inspect", "-f", `{{json ${format}}}`, name));
const inside = (service: string, script: string): Promise<string> =>
  engine.docker("exec", `opt_${service}_1`, "sh", "-c", script);

test("docker-compose's options of networks, volumes and ports arrive and hold", { skip }, async (t) => {
  await compose("up", "-d");

  await t.test("networks", async () => {
    assert.deepEqual(await inspect(".IPAM.Config", "opt_dual"), [
      {
        Subnet: "10.46.0.0/24",
        IPRange: "10.46.0.0/25",
        Gateway: "10.46.0.1",
        AuxiliaryAddresses: { printer: "10.46.0.2" },
      },
      { Subnet: "fd46::/64", Gateway: "fd46::1" },
    ]);
    assert.equal(await inspect(".EnableIPv6", "opt_dual"), true);
    assert.equal(await inspect(".Driver", "opt-alone"), "private");
    assert.match(await must(["ip", "link", "show", "opt0"], { netns: engine.netns }), /opt0/);
  });

  await t.test("addresses and names of an endpoint", async () => {
    const addresses = await inside("one", "ip -o addr");
    for (const address of ["10.46.0.11/24", "fd46::11/64", "169.254.46.1/16"])
      assert.ok(addresses.includes(address), `${address} in ${addresses}`);
    assert.match(await inside("one", "ip link"), /02:00:00:00:00:11/);
    assert.equal((await inside("one", "hostname; hostname -f")).trim(), "first\nfirst.example.org");
    const resolver = await inside("one", "cat /etc/resolv.conf");
    assert.match(resolver, /^search corp\.example$/m);
    assert.match(resolver, /^options .*timeout:3/m);
    assert.match(await inside("one", "cat /etc/hosts"), /^192\.0\.2\.7\s+elsewhere$/m);
    assert.deepEqual(await inspect(".HostConfig.Dns", "opt_one_1"), ["192.0.2.53"]);
    const page = await inside(
      "two",
      "until wget -qO- http://linked/ 2>/dev/null; do sleep 0.1; done; wget -qO- http://one.opt_dual/",
    );
    assert.equal(page, "one\none");
    await assert.rejects(inside("two", "nslookup beyond"), /NXDOMAIN|can't find|SERVFAIL/);
  });

  await t.test("namespaces of others", async () => {
    const namespace = (service: string): Promise<string> => inside(service, "readlink /proc/self/ns/net");
    assert.equal(await namespace("inside"), await namespace("one"));
    const outside = await engine.docker("exec", "opt-outside", "readlink", "/proc/self/ns/net");
    assert.equal((await namespace("beside")).trim(), outside.trim());
    assert.doesNotMatch(await inside("bare", "ip -o link"), /eth0/);
    assert.match(await inside("open", "ip -o link"), /opt0/);
  });

  await t.test("ports", async () => {
    const bound = await inspect(".NetworkSettings.Ports", "opt_one_1");
    const told = (await engine.docker("port", "opt_one_1"))
      .split("\n")
      .filter((line) => !line.includes("[::]"));
    assert.deepEqual(told.filter((line) => !line.startsWith("100/")).sort(), [
      "80/tcp -> 0.0.0.0:18080",
      "81/udp -> 127.0.0.1:18081",
      "90/tcp -> 0.0.0.0:18090",
      "91/tcp -> 0.0.0.0:18091",
      "92/tcp -> 0.0.0.0:18092",
    ]);
    assert.match(told.join("\n"), /^100\/tcp -> 0\.0\.0\.0:\d+$/m);
    for (const exposed of ["5000/tcp", "6000/udp", "6001/udp"])
      assert.ok(Object.keys(Object(bound)).includes(exposed));
    const page = await must(["curl", "-s", "http://127.0.0.1:18080/"], { netns: engine.netns });
    assert.equal(page, "one\n");
  });

  await t.test("volumes", async () => {
    assert.deepEqual(await inspect(".Labels.kind", "opt-named"), "named");
    assert.deepEqual(await inspect(".Options", "opt_whole"), {
      type: "tmpfs",
      device: "tmpfs",
      o: "size=3m,mode=700",
    });
    const mounts = await inside("one", "cat /proc/mounts");
    assert.match(mounts, /^tmpfs \/whole tmpfs ro.*size=3072k.*mode=700/m);
    assert.match(mounts, /^tmpfs \/memory tmpfs rw.*size=1024k/m);
    assert.match(mounts, /^tmpfs \/scratch tmpfs rw.*size=2048k/m);
    assert.match(mounts, / \/host\/name \S+ ro/m);
    assert.match(mounts, / \/anonymous /m);
    assert.equal(await inside("one", "ls /usr/local"), "");
    assert.equal(await inside("two", "cat /etc/page/index.html"), "one");
    await assert.rejects(inside("two", "touch /etc/page/x"), /Read-only file system/);
  });

  await compose("down", "-v");
  assert.equal(await engine.docker("volume", "ls", "-q"), "");
});
