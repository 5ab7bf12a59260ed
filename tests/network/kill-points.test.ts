// kill -9 of the daemon before and after each thing that it asks of the kernel, through the life of a network and of a sandbox on it: the
// next daemon has what was promised, and nothing else.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { NetworkInfo, Sandbox } from "#network/controller.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import { attachRequest, NetworkDaemon } from "./daemon-client.ts";
import { Namespace } from "./namespaces.ts";

const skip = process.getuid?.() !== 0 && "needs root";

const spec: NetworkSpec = {
  ...{ name: "one", driver: "bridge", options: {}, labels: {}, internal: false, attachable: false },
  ...{ enableIpv4: true, enableIpv6: false, configOnly: false, configFrom: "" },
  ipam: { driver: "", options: null, config: [{ subnet: "10.71.0.0/24", auxiliary: {} }] },
};
const ADDRESS = "10.71.0.9";
const endpoint = { network: "one", endpointId: "ab".repeat(32), ipv4: ADDRESS };
/** More than there are. */
const MOMENTS = 100;

/** What the engine would have saved when the daemon dies. */
class Ledger {
  live: readonly Sandbox[] = [];
  done = false;
}

/** Each step is saved as the engine saves it: what is made after it is made, what goes before it goes. */
async function live(daemon: NetworkDaemon, ledger: Ledger): Promise<void> {
  const { id } = await daemon.ask({ verb: "create", spec });
  const request = attachRequest("first", { hostPort: 8080 });
  const { sandboxId } = request;
  const attached = await daemon.ask({ verb: "attach", request });
  ledger.live = [attached];
  ledger.live = [await daemon.ask({ verb: "connect", sandboxId, endpoint })];
  ledger.live = [attached];
  await daemon.ask({ verb: "disconnect", sandboxId, networkId: id });
  ledger.live = [];
  await daemon.ask({ verb: "detach", sandboxIds: [sandboxId] });
  await daemon.ask({ verb: "settle" });
  await daemon.ask({ verb: "remove", network: "one" });
  ledger.done = true;
}

interface Place {
  readonly host: Namespace;
  readonly directory: string;
}

/** Interfaces of the host as they must be; names of veth ends are counted. */
async function check({ host, directory }: Place, networks: readonly NetworkInfo[], ledger: Ledger) {
  const links = await host.links();
  const bridges = networks
    .filter(({ driver }) => driver === "bridge")
    .map(({ name, id }) => (name === "bridge" ? "docker0" : `br-${id.slice(0, 12)}`));
  const [veths, others] = [links.filter(isVeth), links.filter((name) => !isVeth(name))];
  assert.deepEqual(others.toSorted(), ["lo", ...bridges].toSorted());
  const endpoints = ledger.live.flatMap((sandbox) => sandbox.endpoints);
  assert.equal(veths.length, endpoints.length);
  assert.deepEqual(
    readdirSync(join(directory, "exec/netns")),
    ledger.live.map(({ id }) => id),
  );
  for (const { path, endpoints: own } of ledger.live) {
    const { output } = await host.run("nsenter", `--net=${path}`, "ip", "-o", "link");
    const inside = [...output.matchAll(/^\d+: (eth\d+)/gm)].map(([, name]) => name);
    assert.deepEqual(
      inside,
      own.map(({ interfaceName }) => interfaceName),
    );
  }
}

const isVeth = (name: string): boolean => name.startsWith("veth");

/** The address of the endpoint that is gone is free, if the network is there. */
async function reuse(daemon: NetworkDaemon, networks: readonly NetworkInfo[]): Promise<void> {
  if (!networks.some(({ name }) => name === "one")) return;
  const request = {
    sandboxId: "again",
    endpoints: [{ ...endpoint, endpointId: "cd".repeat(32) }],
    ports: [],
  };
  const { endpoints } = await daemon.ask({ verb: "attach", request });
  assert.equal(endpoints[0]?.ipv4, ADDRESS);
  await daemon.ask({ verb: "detach", sandboxIds: ["again"] });
}

async function openPlace(undo: AsyncDisposableStack): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-kills-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const host = await Namespace.open();
  undo.defer(() => host.close());
  return { directory, host };
}

async function start({ host, directory }: Place, ledger: Ledger): Promise<NetworkDaemon> {
  const daemon = await NetworkDaemon.start(host, directory);
  await daemon.ask({ verb: "restore", live: ledger.live });
  return daemon;
}

test("whenever the daemon is killed, the next one has what was promised and nothing else", {
  skip,
}, async () => {
  await using undo = new AsyncDisposableStack();
  const place = await openPlace(undo);
  let ledger = new Ledger();
  let daemon = await start(place, ledger);
  undo.defer(() => daemon.end());
  const rules = await place.host.rules();
  for (let moment = 0; !ledger.done; moment++) {
    assert.ok(moment < MOMENTS);
    ledger = new Ledger();
    await daemon.ask({ verb: "killAt", moment });
    await live(daemon, ledger).catch((error: unknown) => assert.match(String(error), /daemon ended/));
    await daemon.kill();
    daemon = await start(place, ledger);
    const networks = await daemon.ask({ verb: "list" });
    await check(place, networks, ledger);
    await daemon.ask({ verb: "detach", sandboxIds: ledger.live.map(({ id }) => id) });
    await reuse(daemon, networks);
    await daemon.ask({ verb: "settle" });
    for (const { name } of networks) if (name === "one") await daemon.ask({ verb: "remove", network: name });
    assert.equal(await place.host.rules(), rules, `after moment ${moment}`);
  }
});
