// What the daemon's networks alone take for a start, for joining and leaving a network and for an end: their controller in a network namespace of its
// own, without containers, requests and records.
//
//   node bench/network-part.ts [ROUNDS]      as root

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EndpointRequest } from "#network/controller.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import { attachRequest, type Command, NetworkDaemon } from "../tests/network/daemon-client.ts";
import { Namespace } from "../tests/network/namespaces.ts";
import { median } from "./pair.ts";

const rounds = Number(process.argv[2] ?? 40);

const spec = (name: string, subnet: string): NetworkSpec => ({
  ...{ name, driver: "bridge", options: {}, labels: {}, internal: false, attachable: false },
  ...{ enableIpv4: true, enableIpv6: false, configOnly: false, configFrom: "" },
  ipam: { driver: "", options: null, config: [{ subnet, auxiliary: {} }] },
});

const endpoint = (round: number): EndpointRequest => ({
  network: "second",
  endpointId: round.toString(16).padStart(64, "e"),
  names: ["web"],
});

await using undo = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), "gantry-part-"));
undo.defer(() => rmSync(directory, { recursive: true }));
const host = await Namespace.open();
undo.defer(() => host.close());
const daemon = await NetworkDaemon.start(host, directory);
undo.defer(() => daemon.end());
await daemon.ask({ verb: "restore", live: [] });
const { id: networkId } = await daemon.ask({ verb: "create", spec: spec("second", "10.61.0.0/24") });

const times = new Map<string, number[]>();
async function time(what: string, command: Command): Promise<void> {
  await daemon.ask(command);
  times.set(what, [...(times.get(what) ?? []), daemon.lastMs]);
}

for (let round = 0; round <= rounds; round++) {
  if (round === 1) times.clear(); // the first one compiles
  const request = attachRequest(`c${round}`, {});
  const { sandboxId } = request;
  await time("start: namespace, bridge, one published port", { verb: "attach", request });
  await time("the first network with names", { verb: "connect", sandboxId, endpoint: endpoint(round) });
  await time("leave it", { verb: "disconnect", sandboxId, networkId });
  await time("join it once more", { verb: "connect", sandboxId, endpoint: endpoint(round) });
  await time("leave it", { verb: "disconnect", sandboxId, networkId });
  await time("end", { verb: "detach", sandboxIds: [sandboxId] });
  await daemon.ask({ verb: "settle" });
}
for (const [what, all] of times)
  console.log(`${what}: ${Math.min(...all).toFixed(1)} / ${median(all).toFixed(1)} ms`);
