// Many containers: what listing, starting and the daemon's own start cost with 1,000 stopped and 200 running ones, beside an engine with none.
//   node bench/scale.ts [--peer] [STOPPED [RUNNING]], as root. --peer: two real dockerds afterwards.

import { join } from "node:path";
import { type Api, openApi } from "../tests/system/api.ts";
import { type Client, startEngine } from "../tests/system/engine.ts";
import { importBusybox } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { median, timed } from "./pair.ts";
import { processorTime } from "./processor.ts";
import { serveRecorded } from "./recorded.ts";

const numbers = process.argv.slice(2).filter((word) => /^\d+$/.test(word));
const stopped = Number(numbers[0] ?? 1000);
const running = Number(numbers[1] ?? 200);
const ROUNDS = 15;
const gantry = join(import.meta.dirname, "../bin/gantry");

interface Side {
  readonly client: Client;
  readonly api: Api;
  readonly pid: number;
}

const sleeper = { Image: "busybox", Cmd: ["sleep", "99999"], StopSignal: "KILL" };

async function create(api: Api, config: object): Promise<string> {
  const made = await api.ask("POST", "/containers/create", config);
  return String(Object(made).Id);
}

async function startOne(api: Api): Promise<string> {
  const id = await create(api, sleeper);
  await api.ask("POST", `/containers/${id}/start`);
  return id;
}

/** `exited`: those that are stopped have run; else they are created only. */
async function fill({ api }: Side, exited: boolean): Promise<void> {
  for (let made = 0; made < stopped; made++) {
    const id = await create(api, { Image: "busybox", Cmd: ["true"] });
    if (!exited) continue;
    await api.ask("POST", `/containers/${id}/start`);
    await api.ask("POST", `/containers/${id}/wait`);
  }
  for (let made = 0; made < running; made++) await startOne(api);
}

const list = (host: string, program = "docker") =>
  timed(() => must([program, "ps", "-a"], { env: { DOCKER_HOST: host } }));
const listApi = ({ api }: Side) => timed(() => api.ask("GET", "/containers/json?all=1"));

/** Milliseconds of the request pair that makes and starts one container; it is gone afterwards. */
async function oneMore({ api }: Side): Promise<number> {
  let id = "";
  const time = await timed(async () => {
    id = await startOne(api);
  });
  await api.ask("DELETE", `/containers/${id}?force=1`);
  return time;
}

async function compare(name: string, empty: Side, full: Side, sample: (side: Side) => Promise<number>) {
  const times: [number, number][] = [];
  const used = [processorTime(empty.pid), processorTime(full.pid)];
  for (let round = 0; round < ROUNDS; round++) times.push([await sample(empty), await sample(full)]);
  const cpu = [empty, full].map(({ pid }, side) => (processorTime(pid) - (used[side] ?? 0)) / ROUNDS);
  const shown = ([0, 1] as const).map((side) => {
    const all = times.map((pair) => pair[side]);
    return `${Math.min(...all).toFixed(1)} / ${median(all).toFixed(1)} ms`;
  });
  const more = median(times.map(([without, with_]) => with_ - without));
  const ratio = median(times.map(([without, with_]) => with_ / without));
  console.log(
    `  ${name.padEnd(26)} empty ${shown[0]}, full ${shown[1]}; pairs: ${more.toFixed(1)} ms more, x ${ratio.toFixed(2)}; processor ${cpu[0]?.toFixed(1)} and ${cpu[1]?.toFixed(1)} ms`,
  );
}

/** The client's own part, which no daemon can take away. */
async function compareRecorded(empty: Side, full: Side): Promise<void> {
  const path = "/v1.50/containers/json?all=1";
  await using ofEmpty = await serveRecorded(empty.api, path);
  await using ofFull = await serveRecorded(full.api, path);
  await compare("... of a ready answer", empty, full, (side) =>
    list((side === empty ? ofEmpty : ofFull).host),
  );
}

async function compareAll(empty: Side, full: Side): Promise<void> {
  await compare("docker ps -a", empty, full, ({ client }) => list(client.host));
  await compareRecorded(empty, full);
  await compare("GET /containers/json?all", empty, full, listApi);
  await compare("create and start one", empty, full, oneMore);
}

async function ours(): Promise<void> {
  await using emptyEngine = await startEngine();
  await using fullEngine = await startEngine();
  await Promise.all([importBusybox(emptyEngine), importBusybox(fullEngine)]);
  using emptyApi = openApi(emptyEngine.socket);
  using fullApi = openApi(fullEngine.socket);
  const empty = { client: emptyEngine, api: emptyApi, pid: emptyEngine.daemon.pid };
  const full = { client: fullEngine, api: fullApi, pid: fullEngine.daemon.pid };
  console.log(`Gantry: ${stopped} stopped, ${running} running`);
  console.log(`  making them                ${((await timed(() => fill(full, true))) / 1000).toFixed(1)} s`);
  if (process.env.GANTRY_BENCH_HOLD !== undefined)
    await must(["sh", "-c", "read line </dev/tty || sleep 600"]);
  await compareAll(empty, full);
  await compare("gantry ps -a", empty, full, ({ client }) => list(client.host, gantry));
  for (const [name, engine] of [
    ["empty", emptyEngine],
    ["full", fullEngine],
  ] as const) {
    const starts: string[] = [];
    for (let round = 0; round < 5; round++) {
      await engine.kill();
      const time = await timed(() => engine.restart());
      starts.push(`${time.toFixed(0)} (${processorTime(engine.daemon.pid).toFixed(0)})`);
    }
    console.log(`  daemon's start, ${name.padEnd(10)} ms (of processor): ${starts.join(", ")}`);
  }
  using api = openApi(fullEngine.socket);
  await removeAll(api);
}

async function removeAll(api: Api): Promise<void> {
  const all = await api.ask("GET", "/containers/json?all=1");
  if (!Array.isArray(all)) return;
  const time = await timed(() =>
    Promise.all(all.map(({ Id }) => api.ask("DELETE", `/containers/${Id}?force=1`))),
  );
  console.log(`  removing all               ${(time / 1000).toFixed(1)} s`);
}

async function theirs(): Promise<void> {
  await using emptyPeer = await startPeer();
  await using fullPeer = await startPeer();
  await Promise.all([importBusybox(emptyPeer), importBusybox(fullPeer)]);
  using emptyApi = openApi(emptyPeer.socket);
  using fullApi = openApi(fullPeer.socket);
  const empty = { client: emptyPeer, api: emptyApi, pid: emptyPeer.pid };
  const full = { client: fullPeer, api: fullApi, pid: fullPeer.pid };
  console.log(`dockerd: ${stopped} created, ${running} running`);
  console.log(`  making them                ${((await timed(() => fill(full, false))) / 1000).toFixed(1)} s`);
  await compareAll(empty, full);
  await removeAll(fullApi);
}

await ours();
if (process.argv.includes("--peer")) await theirs();
