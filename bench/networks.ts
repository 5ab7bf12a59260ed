// Networks beside a real dockerd: what connecting costs, what traffic reaches, what many containers change, what is left after many cycles.
//   node bench/networks.ts [start] [connect] [traffic] [many] [networks] [cycles], as root, with Debian's iperf3. Without a word: all of it but the
//   cycles. GANTRY_CYCLES tells how many (10,000 unless it is set), GANTRY_NETWORKS how many networks (500).

import { setTimeout as sleep } from "node:timers/promises";
import { openApi } from "../tests/system/api.ts";
import { type Client, startEngine } from "../tests/system/engine.ts";
import { importBusybox, importIperf, importNginx } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import {
  create,
  measureCycles,
  measureMany,
  measureNetworks,
  published,
  type Side,
  sleeper,
} from "./network-crowds.ts";
import { measurePair, median, timed } from "./pair.ts";
import { type Row, renderRows } from "./report.ts";

const sections = ["start", "connect", "traffic", "many", "networks", "cycles"] as const;
const asked = sections.filter((name) => process.argv.includes(name));
const wants = (name: (typeof sections)[number]): boolean =>
  asked.length === 0 ? name !== "cycles" : asked.includes(name);

interface Both {
  readonly ours: Side;
  readonly theirs: Side;
}

const connections = new DisposableStack();
const sideOf = (client: Client): Side => ({ client, api: connections.use(openApi(client.socket)) });
const pairOf = (both: Both, sample: (side: Side) => Promise<number>) => ({
  ours: () => sample(both.ours),
  theirs: () => sample(both.theirs),
});

/** Milliseconds of the start request; the container is gone afterwards. */
async function startTime(side: Side, hostConfig: object): Promise<number> {
  const id = await create(side, { ...sleeper, HostConfig: hostConfig });
  const time = await timed(() => side.api.ask("POST", `/containers/${id}/start`));
  await side.api.ask("DELETE", `/containers/${id}?force=1`);
  return time;
}

async function measureStart(both: Both): Promise<Row[]> {
  const networkPart = async (side: Side): Promise<number> => {
    const without = await startTime(side, { NetworkMode: "none" });
    return (await startTime(side, published)) - without;
  };
  const row = { unit: "ms", rounds: 40 };
  const ranges = { PortBindings: udpPorts(20_000, 30_000) };
  const times = await inTurn(5, () => startTime(both.ours, ranges));
  console.log(`start with -p 20000-30000:20000-30000/udp: ${median(times).toFixed(1)} ms in the middle of 5`);
  return [
    await measurePair({
      name: "start request, network none",
      ...row,
      ...pairOf(both, (side) => startTime(side, { NetworkMode: "none" })),
    }),
    await measurePair({
      name: "start request, bridge and one published port",
      ...row,
      ...pairOf(both, (side) => startTime(side, published)),
    }),
    await measurePair({ name: "the difference: the network's part", ...row, ...pairOf(both, networkPart) }),
  ];
}

/** As the docker client sends a range: a key for each port. */
const udpPorts = (first: number, last: number): object =>
  Object.fromEntries(
    Array.from({ length: last - first + 1 }, (_, index) => String(first + index)).map((port) => [
      `${port}/udp`,
      [{ HostPort: port }],
    ]),
  );

async function inTurn(count: number, sample: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) times.push(await sample());
  return times;
}

async function measureConnect(both: Both): Promise<Row[]> {
  const ids = new Map<Side, string>();
  for (const side of [both.ours, both.theirs]) {
    const id = await create(side, sleeper);
    await side.api.ask("POST", `/containers/${id}/start`);
    await side.api.ask("POST", "/networks/create", { Name: "second" });
    ids.set(side, id);
  }
  const change = (verb: string) => (side: Side) =>
    timed(() => side.api.ask("POST", `/networks/second/${verb}`, { Container: ids.get(side) }));
  const connect = async (side: Side): Promise<number> => {
    const time = await change("connect")(side);
    await change("disconnect")(side);
    return time;
  };
  const disconnect = async (side: Side): Promise<number> => {
    await change("connect")(side);
    return await change("disconnect")(side);
  };
  const row = { unit: "ms", rounds: 40 };
  const rows = [
    await measurePair({ name: "connect a running container", ...row, ...pairOf(both, connect) }),
    await measurePair({ name: "disconnect it", ...row, ...pairOf(both, disconnect) }),
  ];
  for (const [{ api }, id] of ids) {
    await api.ask("DELETE", `/containers/${id}?force=1`);
    await api.ask("DELETE", "/networks/second");
  }
  return rows;
}

/** Milliseconds for a gigabyte that has arrived. */
const readIperf = (output: string): number => 8e12 / JSON.parse(output).end.sum_received.bits_per_second;

async function measureTraffic(both: Both): Promise<Row[]> {
  for (const { client } of [both.ours, both.theirs]) {
    await importIperf(client, "iperf");
    await importNginx(client, "nginx");
    await client.docker("network", "create", "lane");
    await client.docker(
      "run",
      "-d",
      "--name",
      "far",
      "--network",
      "lane",
      "-p",
      "5201:5201",
      "-p",
      "5201:5201/udp",
      "iperf",
    );
    await client.docker("run", "-d", "--name", "web", "--network", "lane", "-p", "8080:80", "nginx");
  }
  await sleep(1000);
  const iperf = (...flags: readonly string[]) => ["/usr/bin/iperf3", "-J", "-t", "2", ...flags];
  const udp = ["-u", "-b", "0", "-l", "1400"];
  const fromHost =
    (...flags: readonly string[]) =>
    async ({ client }: Side) =>
      readIperf(await must(iperf("-c", "127.0.0.1", ...flags), { netns: client.netns }));
  const between =
    (...flags: readonly string[]) =>
    async ({ client }: Side) => {
      const address = await client.docker(
        "inspect",
        "-f",
        "{{.NetworkSettings.Networks.lane.IPAddress}}",
        "far",
      );
      return readIperf(
        await client.docker("run", "--rm", "--network", "lane", "iperf", ...iperf("-c", address, ...flags)),
      );
    };
  const row = { unit: "ms/GB", rounds: 6 };
  return [
    await measurePair({ name: "TCP, host to a published port", ...row, ...pairOf(both, fromHost()) }),
    await measurePair({ name: "TCP, container to container", ...row, ...pairOf(both, between()) }),
    await measurePair({ name: "UDP, host to a published port", ...row, ...pairOf(both, fromHost(...udp)) }),
    await measurePair({ name: "UDP, container to container", ...row, ...pairOf(both, between(...udp)) }),
    await measurePair({
      name: "HTTP requests to nginx through a published port, a connection each, 8 at once",
      unit: "µs/request",
      rounds: 8,
      ...pairOf(both, requestTime),
    }),
  ];
}

async function requestTime({ client }: Side): Promise<number> {
  const output = await must(["ab", "-q", "-n", "8000", "-c", "8", "http://127.0.0.1:8080/"], {
    netns: client.netns,
  });
  return 1e6 / Number(/Requests per second: +([\d.]+)/.exec(output)?.[1]);
}

await using engine = await startEngine();
await importBusybox(engine);
const ours = sideOf(engine);
if (wants("start") || wants("connect") || wants("traffic")) {
  await using peer = await startPeer();
  await importBusybox(peer);
  const both = { ours, theirs: sideOf(peer) };
  const rows: Row[] = [];
  if (wants("start")) rows.push(...(await measureStart(both)));
  if (wants("connect")) rows.push(...(await measureConnect(both)));
  if (wants("traffic")) rows.push(...(await measureTraffic(both)));
  console.log(renderRows(rows));
  for (const { client } of [both.ours, both.theirs]) {
    const ids = (await client.docker("ps", "-aq")).split("\n").filter((id) => id !== "");
    if (ids.length > 0) await client.docker("rm", "-f", ...ids);
  }
}
if (wants("many")) await measureMany(ours, 500);
if (wants("networks")) await measureNetworks(engine, ours, Number(process.env.GANTRY_NETWORKS ?? 500));
if (wants("cycles")) await measureCycles(engine, ours, Number(process.env.GANTRY_CYCLES ?? 10_000));
connections.dispose();
