// What health checks cost: processor time of the daemon, its zygote and the shims over a while, by check.
//   node bench/health.ts [SECONDS [CONTAINERS [--peer]]], as root. One check a second for each container; 17 of them are 1,000 a minute.

import { openApi } from "../tests/system/api.ts";
import { type Client, startEngine } from "../tests/system/engine.ts";
import { importBusybox } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { until } from "../tests/system/until.ts";
import { descendants, findProcesses } from "./memory.ts";
import { processorTime } from "./processor.ts";

const [seconds = 60, containers = 17] = process.argv
  .slice(2)
  .filter((word) => /^\d+$/.test(word))
  .map(Number);

interface Side {
  readonly name: string;
  readonly client: Client;
  readonly daemon: number;
  readonly shims: () => readonly number[];
}

/** Time of a group of processes; what the shims' own children used is the checks', not the engine's. */
const timeOf = (pids: readonly number[]): number =>
  pids.reduce((total, pid) => total + processorTime(pid), 0);

async function measure({ name, client, daemon, shims }: Side): Promise<void> {
  using api = openApi(client.socket);
  const check = { Test: ["CMD", "true"], Interval: 1e9, Timeout: 30e9 };
  for (let made = 0; made < containers; made++) {
    const config = { Image: "busybox", Cmd: ["sleep", "99999"], StopSignal: "KILL", Healthcheck: check };
    const { Id } = Object(await api.ask("POST", "/containers/create", config));
    await api.ask("POST", `/containers/${Id}/start`);
  }
  const healthy = `/containers/json?filters=${encodeURIComponent(JSON.stringify({ health: ["healthy"] }))}`;
  await until(async () => Object(await api.ask("GET", healthy)).length === containers); // each has been checked once
  const now = (): number => Math.floor(Date.now() / 1000);
  const shimPids = shims();
  const daemonPids = descendants(daemon).filter((pid) => !shimPids.includes(pid));
  const processes = [...daemonPids, ...shimPids];
  const begin = now();
  const before = [
    timeOf(daemonPids),
    timeOf(shimPids),
    processes.reduce((sum, pid) => sum + processorTime(pid, true), 0),
  ];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = [
    timeOf(daemonPids),
    timeOf(shimPids),
    processes.reduce((sum, pid) => sum + processorTime(pid, true), 0),
  ];
  const events = await client.docker(
    ...["events", "--since", String(begin), "--until", String(now()), "--filter", "event=exec_die"],
    ...["--format", "{{.Type}}"],
  );
  const checks = events.split("\n").length;
  const used = after.map((time, index) => (time - (before[index] ?? 0)) / checks);
  const [ofDaemon = 0, ofShims = 0, withChildren = 0] = used;
  const percent = ((ofDaemon + ofShims) * 1000) / 60_000 / 0.01;
  console.log(
    `${name}: ${checks} checks in ${seconds} s; a check ${ofDaemon.toFixed(2)} ms of the daemon, ${ofShims.toFixed(2)} of the shim, with its processes ${withChildren.toFixed(2)}; 1,000 a minute are ${percent.toFixed(1)} % of a core`,
  );
}

await using ours = await startEngine();
await importBusybox(ours);
await measure({
  name: "Gantry",
  client: ours,
  daemon: ours.daemon.pid,
  shims: () => findProcesses("gantry-exec shim", ours.dir),
});
if (process.argv.includes("--peer")) {
  await using theirs = await startPeer();
  await importBusybox(theirs);
  await measure({
    name: "dockerd",
    client: theirs,
    daemon: theirs.pid,
    shims: () => findProcesses("containerd-shim", theirs.netns),
  });
}
