// Network devices of the machine that are given to a container.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Linux, NamespaceType } from "#spec/oci-runtime.ts";
import { type ContainerMachine, runScript, skip, startContainerMachine } from "./container-machine.ts";
import { giveToRoot, maps } from "./user-mapped.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const hasIpv6 = existsSync("/proc/net/if_inet6");

const ip = (...words: readonly string[]): void => void execFileSync("ip", words);

/** One end of a cable, which ends with its scope wherever it is. */
function makeDevice(): { readonly name: string } & Disposable {
  const name = `gty${process.pid}`;
  const peer = `${name}p`;
  ip("link", "add", name, "type", "veth", "peer", "name", peer);
  ip("addr", "add", "10.213.7.5/24", "dev", name);
  if (hasIpv6) ip("-6", "addr", "add", "fd00:213::5/64", "dev", name, "nodad");
  return { name, [Symbol.dispose]: () => void spawnSync("ip", ["link", "del", peer]) };
}

for (const user of [false, true])
  test(`a device moves in under its new name, with its addresses, and is up${user ? ", in a user namespace" : ""}`, {
    skip,
  }, async () => {
    using device = makeDevice();
    const namespaces: readonly NamespaceType[] = ["mount", "uts", "pid", "ipc", "network"];
    const root = machine.makeRoot((path) => {
      if (user) giveToRoot(path);
    });
    const { stdout, stderr } = await runScript(machine, "busybox ip addr show eth7", {
      root,
      namespaces: user ? [...namespaces, "user"] : namespaces,
      linux: { netDevices: { [device.name]: { name: "eth7" } }, ...(user && maps) },
    });
    assert.match(stdout, /\beth7@?\S*: <[^>]*\bUP\b/, stderr);
    assert.match(stdout, /inet 10\.213\.7\.5\/24 /);
    if (hasIpv6) assert.match(stdout, /inet6 fd00:213::5\/64 scope global/);
    assert.notEqual(spawnSync("ip", ["link", "show", device.name]).status, 0);
  });

test("a device that is not there, a bad name and a container without a network of its own are refused", {
  skip,
}, async () => {
  const run = (netDevices: Linux["netDevices"], namespaces?: readonly NamespaceType[]): Promise<unknown> =>
    runScript(machine, "true", {
      linux: { netDevices: netDevices ?? {} },
      ...(namespaces !== undefined && { namespaces }),
    });
  await assert.rejects(run({ none: {} }), /link not found for interface none on runtime namespace/);
  await assert.rejects(run({ lo: { name: "a/b" } }), /invalid network device name "a\/b"/);
  await assert.rejects(run({ lo: {} }, ["mount", "uts", "pid"]), /without a NET namespace/);
});
