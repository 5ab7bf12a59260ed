// Many containers on one network, many networks, many cycles: what the last one costs beside the first, and what is left.

import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../tests/system/api.ts";
import type { Client, Engine } from "../tests/system/engine.ts";
import { run } from "../tests/system/process.ts";
import { memoryOf } from "./memory.ts";
import { median, timed } from "./pair.ts";

export interface Side {
  readonly client: Client;
  readonly api: Api;
}

export const sleeper = { Image: "busybox", Cmd: ["sleep", "99999"], StopSignal: "KILL" };
export const published = { PortBindings: { "80/tcp": [{ HostPort: "" }] } };

export async function create({ api }: Pick<Side, "api">, config: object): Promise<string> {
  return String(Object(await api.ask("POST", "/containers/create", config)).Id);
}

/** Middle of the first and of the last fifty. */
function compare(what: string, times: readonly number[]): void {
  const [first, last] = [median(times.slice(1, 51)), median(times.slice(-50))];
  console.log(
    `${what}: ${first.toFixed(1)} ms (first 50), ${last.toFixed(1)} ms (last 50), x ${(last / first).toFixed(2)}`,
  );
}

const start = (side: Side, id: string) => timed(() => side.api.ask("POST", `/containers/${id}/start`));
const remove = (side: Side, id: string) => side.api.ask("DELETE", `/containers/${id}?force=1`);

/** On one bridge: the start requests. */
export async function measureMany(side: Side, count: number): Promise<void> {
  await side.api.ask("POST", "/networks/create", { Name: "crowd" });
  const times: number[] = [];
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = await create(side, { ...sleeper, HostConfig: { NetworkMode: "crowd" } });
    ids.push(id);
    times.push(await start(side, id));
  }
  compare(`${count} containers on one bridge: start request`, times);
  for (const id of ids) await remove(side, id);
  await side.api.ask("DELETE", "/networks/crowd");
}

/** A network of its own for each container, with a published port: all requests, and what the daemon holds then. */
export async function measureNetworks(engine: Engine, side: Side, count: number): Promise<void> {
  const { pid } = engine.daemon;
  const times = {
    create: [] as number[],
    start: [] as number[],
    inspect: [] as number[],
    remove: [] as number[],
  };
  const ids: string[] = [];
  console.log("before", await census(engine), memoryOf(pid));
  for (let index = 0; index < count; index++) {
    const network = `net${index}`;
    times.create.push(await timed(() => side.api.ask("POST", "/networks/create", { Name: network })));
    const id = await create(side, { ...sleeper, HostConfig: { NetworkMode: network, ...published } });
    ids.push(id);
    times.start.push(await start(side, id));
    times.inspect.push(await timed(() => side.api.ask("GET", `/networks/${network}`)));
  }
  console.log(`with ${count} networks`, await census(engine), memoryOf(pid));
  const list = await timed(() => side.api.ask("GET", "/networks"));
  for (const id of ids) await remove(side, id);
  for (let index = 0; index < count; index++)
    times.remove.push(await timed(() => side.api.ask("DELETE", `/networks/net${index}`)));
  for (const [what, all] of Object.entries(times))
    compare(`${count} networks, a container on each: ${what}`, all);
  console.log(`list of ${count} networks: ${list.toFixed(1)} ms`);
  await sleep(2000);
  console.log("after", await census(engine), memoryOf(pid));
}

interface Census {
  readonly links: number;
  readonly rules: number;
  readonly namespaces: number;
  readonly files: number;
  readonly descriptors: number;
}

const filesBelow = (folder: string): number => readdirSync(folder, { recursive: true }).length;

async function census(engine: Engine): Promise<Census> {
  const lines = async (...command: string[]): Promise<number> =>
    (await run(command, { netns: engine.netns })).stdout.split("\n").length;
  return {
    links: await lines("ip", "-o", "link"),
    rules: await lines("nft", "list", "ruleset"),
    namespaces: filesBelow(`${engine.dir}/exec/netns`),
    files: filesBelow(`${engine.dir}/root`),
    descriptors: readdirSync(`/proc/${engine.daemon.pid}/fd`).length,
  };
}

/** Create, start, remove, again and again: the same counts before and after, and memory that stays. */
export async function measureCycles(engine: Engine, side: Side, total: number): Promise<void> {
  await side.api.ask("POST", "/networks/create", { Name: "wheel" });
  const cycle = async (): Promise<void> => {
    const id = await create(side, { ...sleeper, HostConfig: { NetworkMode: "wheel", ...published } });
    await start(side, id);
    await remove(side, id);
  };
  for (let index = 0; index < 100; index++) await cycle();
  await sleep(2000);
  console.log("before", await census(engine), memoryOf(engine.daemon.pid));
  for (let done = 0; done < total; ) {
    const part = Math.ceil(total / 10);
    const took = await timed(async () => {
      for (let step = 0; step < part; step++) await cycle();
    });
    done += part;
    console.log(done, memoryOf(engine.daemon.pid), `${(took / part).toFixed(1)} ms a cycle`);
  }
  await sleep(5000);
  console.log("after", await census(engine), memoryOf(engine.daemon.pid));
}
