import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Endpoint } from "#network/controller.ts";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { EtcDirectory } from "./etc-directory.ts";

const endpoint = (networkName: string, ipv4: string): Endpoint => ({
  networkId: networkName,
  networkName,
  endpointId: networkName,
  interfaceName: "eth0",
  ipv4,
  prefixLength: 16,
  gateway: "172.18.0.1",
  macAddress: "",
  ports: [],
});
const settings = { dns: ["192.0.2.1"], dnsSearch: [], dnsOptions: [], hostGateways: [] };

async function prepare(t: TestContext, hostConfig: object = {}) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-etc-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const { create } = openFakeContainers(t);
  const { record } = await create({ Hostname: "box", HostConfig: hostConfig });
  const etc = new EtcDirectory(settings, () => []);
  await etc.write(directory, record);
  const path = (name: string): string => join(directory, name);
  const read = (name: string): string => readFileSync(path(name), "utf8");
  return { directory, record, etc, path, read };
}

test("a resolv.conf that somebody has edited stays, others are written anew", async (t) => {
  const { directory, record, etc, path, read } = await prepare(t);
  assert.match(read("resolv.conf"), /^nameserver 192\.0\.2\.1$/m);
  const named = { ...record, networks: { net1: Object.values(record.networks)[0] ?? assert.fail() } };
  await etc.write(directory, named);
  assert.match(read("resolv.conf"), /^nameserver 127\.0\.0\.11$/m);
  writeFileSync(path("resolv.conf"), "nameserver 10.0.0.9\n");
  await etc.write(directory, record);
  await etc.writeResolvConf(directory, named);
  assert.equal(read("resolv.conf"), "nameserver 10.0.0.9\n");
});

test("hosts follows the networks, and keeps what somebody has added until the next start", async (t) => {
  const { directory, record, etc, path, read } = await prepare(t, {
    ExtraHosts: ["host.docker.internal:host-gateway"],
  });
  const own = (): readonly string[] =>
    read("hosts")
      .split("\n")
      .filter((line) => /^(10|172)\./.test(line));
  await etc.writeHosts(directory, record, [endpoint("net1", "172.18.0.2")]);
  assert.deepEqual(own(), ["172.18.0.1\thost.docker.internal", "172.18.0.2\tbox"]);
  appendFileSync(path("hosts"), "10.0.0.9\tmine\n");
  await etc.writeHosts(directory, record, [endpoint("net2", "172.19.0.2")]);
  assert.deepEqual(own(), ["172.18.0.1\thost.docker.internal", "10.0.0.9\tmine", "172.19.0.2\tbox"]);
  await etc.write(directory, record);
  assert.deepEqual(own(), []);
});

test("what the resolver is to do does not depend on whether there is one yet", async (t) => {
  const { record, etc } = await prepare(t);
  assert.deepEqual(etc.names(record), {
    upstreams: [{ address: "192.0.2.1", fromHost: false }],
    keepsSingleLabels: false,
  });
});
