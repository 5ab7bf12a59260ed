// IPv6 in containers, as the real client sees it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must } from "../system/process.ts";
import { until } from "../system/until.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };

const program = "trap exit TERM; while :; do sleep 1; done";
const start = (engine: Engine, name: string, ...more: readonly string[]) =>
  engine.docker("run", "-d", "--name", name, ...more, "busybox", "sh", "-c", program);
const reaches = async (engine: Engine, container: string, address: string): Promise<boolean> =>
  (await engine.tryDocker(["exec", container, "ping", "-6", "-c", "1", "-W", "5", address])).code === 0;
/** The IPv6 addresses of a container's interface. */
async function addressesOf(engine: Engine, container: string, link: string): Promise<readonly string[]> {
  const shown = await engine.docker("exec", container, "ip", "-6", "-o", "address", "show", "dev", link);
  return [...shown.matchAll(/inet6 (\S+)/g)].flatMap(([, address]) => address ?? []).sort();
}

test("containers have IPv6 where their network has it, and nowhere else", asRoot, async () => {
  const config = { ipv6: true, "fixed-cidr-v6": "fd00:77::/64" };
  await using engine = await startEngine({ config });
  await importBusybox(engine);
  await start(engine, "c1");
  assert.deepEqual((await addressesOf(engine, "c1", "eth0")).slice(0, 1), ["fd00:77::2/64"]);
  assert.deepEqual(await addressesOf(engine, "c1", "lo"), ["::1/128"]);
  assert.equal(await reaches(engine, "c1", "fd00:77::1"), true, "the host");
  const routers = (link: string) => `/proc/sys/net/ipv6/conf/${link}/accept_ra`;
  assert.equal(await engine.docker("exec", "c1", "cat", routers("eth0")), "0", "a neighbour is no router");
  assert.equal(
    (await must(["cat", routers("docker0")], { netns: engine.netns })).trim(),
    "0",
    "nor the host's: CVE-2020-13401",
  );

  await engine.docker("network", "create", "narrow");
  await start(engine, "c2", "--network", "narrow");
  const ipv6Of = (container: string) => engine.docker("exec", container, "cat", "/proc/net/if_inet6");
  assert.equal(await ipv6Of("c2"), "", "not even a link-local address: CVE-2024-32473");

  await engine.docker("network", "create", "--ipv6", "--subnet", "fd00:78::/64", "both");
  await engine.docker("network", "connect", "--ip6", "fd00:78::99", "both", "c2");
  assert.deepEqual((await addressesOf(engine, "c2", "eth1")).slice(0, 1), ["fd00:78::99/64"]);
  assert.deepEqual(await addressesOf(engine, "c2", "eth0"), []);
  await start(engine, "c3", "--network", "both");
  assert.equal(await reaches(engine, "c3", "c2"), true, "by name");
  await engine.docker("network", "disconnect", "both", "c2");
  assert.doesNotMatch(await ipv6Of("c2"), /eth/);

  await engine.docker("network", "create", "--ipv4=false", "--ipv6", "wide");
  await start(engine, "c4", "--network", "wide", "--link-local-ip", "fe80::99");
  const [own = "", linkLocal = ""] = (await addressesOf(engine, "c4", "eth0")).toReversed();
  assert.match(own, /^fe80::99\/64$|^fe80:/);
  assert.notEqual(linkLocal, "");
  assert.equal(await engine.docker("exec", "c4", "ip", "-4", "-o", "address", "show", "eth0"), "");
  assert.match(
    await engine.docker("network", "inspect", "-f", "{{json .IPAM.Config}}", "wide"),
    /"fd[0-9a-f:]+::\/64"/,
  );
  await start(engine, "c5", "--network", "wide");
  const ownerOf = async (container: string) =>
    (
      await engine.docker(
        "inspect",
        "-f",
        "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}} {{.MacAddress}}{{end}}",
        container,
      )
    ).split(" ");
  const [address = "", mac = ""] = await ownerOf("c4");
  const knownBy = {
    neighbour: () => engine.docker("exec", "c5", "ip", "-6", "neigh", "show"),
    host: () => must(["ip", "-6", "neighbour", "show"], { netns: engine.netns }),
  };
  assert.equal(await reaches(engine, "c5", address), true);
  await must(["busybox", "ping", "-6", "-c", "1", "-W", "20", address], { netns: engine.netns });
  for (const known of Object.values(knownBy)) assert.ok((await known()).includes(mac));
  await engine.docker("rm", "-f", "c4");
  await start(engine, "c6", "--network", "wide");
  const [again, other = ""] = await ownerOf("c6");
  assert.equal(again, address);
  assert.notEqual(other, mac);
  for (const [who, known] of Object.entries(knownBy)) {
    await until(async () => (await known()).includes(other));
    assert.ok((await known()).includes(other), `the ${who} is told that the address has another owner`);
  }
  await engine.docker("rm", "-f", "c1", "c2", "c3", "c5", "c6");
});

test(
  "addresses of both families outlive a crash with their owners, and are given to nobody else",
  asRoot,
  async () => {
    await using engine = await startEngine({
      config: { "default-address-pools": [{ base: "10.66.0.0/16", size: 28 }] },
    });
    await importBusybox(engine);
    await engine.docker("network", "create", "--ipv6", "--subnet", "fd00:79::/125", "small");
    const shown = async (name: string) =>
      await engine.docker(
        "inspect",
        "-f",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}",
        name,
      );
    for (const name of ["c1", "c2", "c3"]) await start(engine, name, "--network", "small");
    const before = [await shown("c1"), await shown("c2"), await shown("c3")];
    assert.deepEqual(before, ["10.66.0.18 fd00:79::2", "10.66.0.19 fd00:79::3", "10.66.0.20 fd00:79::4"]);
    await engine.docker("rm", "-f", "c2");
    await engine.kill();
    await engine.restart();
    assert.deepEqual([await shown("c1"), await shown("c3")], [before[0], before[2]]);
    for (const [name, expected] of [
      ["c4", before[1]],
      ["c5", "10.66.0.21 fd00:79::5"],
      ["c6", "10.66.0.22 fd00:79::6"],
      ["c7", "10.66.0.23 fd00:79::7"],
    ] as const) {
      await start(engine, name, "--network", "small");
      assert.equal(await shown(name), expected);
    }
    const full = await engine.tryDocker(["run", "--rm", "--network", "small", "busybox", "true"]);
    assert.match(full.stderr, /no available IPv6 addresses on this network's address pools: small \(/);
    await engine.docker("rm", "-f", "c1", "c3", "c4", "c5", "c6", "c7");
  },
);
