import type { Engine } from "#client/engine.ts";
import type { ReportedEvent } from "#client/system.ts";
import { Struct } from "#formats/go-template-values.ts";
import { formatBinarySize, formatSize } from "#formats/units.ts";
import type { ContainerStatsResponse } from "#spec/engine-api/definitions.table.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { formatFlag, formatRows, type Listing, printRows } from "../../output/listing.ts";
import { shortId } from "../../output/texts.ts";

const all = toggle("all", { short: "a", about: "Show all containers (default shows just running)" });
const noStream = toggle("no-stream", { about: "Disable streaming stats and only pull the first result" });
const noTrunc = toggle("no-trunc", { about: "Do not truncate output" });

const REDRAW_MS = 500;

const listing: Listing = {
  type: "*container.statsContext",
  defaultTable:
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
  headers: {
    Container: "CONTAINER",
    ID: "CONTAINER ID",
    Name: "NAME",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
};

/** Share of one processor, so two full ones are 200. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStatsResponse): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const online = now?.online_cpus ?? now?.cpu_usage?.percpu_usage?.length ?? 1;
  return passed > 0 && used > 0 ? (used / passed) * online * 100 : 0;
}

/** What is in use without the page cache that the kernel would give back (v1 and v2 name it differently). */
function memoryUsed({ memory_stats: memory }: ContainerStatsResponse): number {
  const usage = memory?.usage ?? 0;
  const inactive = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function networkText({ networks }: ContainerStatsResponse): string {
  const all = Object.values(networks ?? {});
  const sum = (field: "rx_bytes" | "tx_bytes"): number =>
    all.reduce((total, one) => total + (one[field] ?? 0), 0);
  return `${formatSize(sum("rx_bytes"), 3)} / ${formatSize(sum("tx_bytes"), 3)}`;
}

function blockText({ blkio_stats }: ContainerStatsResponse): string {
  const entries = blkio_stats?.io_service_bytes_recursive ?? [];
  const sum = (op: string): number =>
    entries
      .filter((entry) => entry.op?.toLowerCase() === op)
      .reduce((total, { value = 0 }) => total + value, 0);
  return `${formatSize(sum("read"), 3)} / ${formatSize(sum("write"), 3)}`;
}

/** A row; of a container that does not run, with dashes. */
export function statsRow(
  container: string,
  stats: ContainerStatsResponse | undefined,
  whole: boolean,
): Struct {
  if (stats === undefined) {
    const none = {
      BlockIO: "--",
      CPUPerc: "--",
      MemPerc: "--",
      MemUsage: "-- / --",
      NetIO: "--",
      PIDs: "--",
    };
    return new Struct(listing.type, {
      ...none,
      Container: container,
      ID: whole ? container : shortId(container),
      Name: "--",
    });
  }
  const id = stats.id ?? container;
  const used = memoryUsed(stats);
  const limit = stats.memory_stats?.limit ?? 0;
  return new Struct(listing.type, {
    BlockIO: blockText(stats),
    CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
    Container: container,
    ID: whole ? id : shortId(id),
    MemPerc: `${(limit > 0 ? (used / limit) * 100 : 0).toFixed(2)}%`,
    MemUsage: `${formatBinarySize(used)} / ${formatBinarySize(limit)}`,
    Name: (stats.name ?? "").replace(/^\//, ""),
    NetIO: networkText(stats),
    PIDs: String(stats.pids_stats?.current ?? 0),
  });
}

async function chosenContainers(call: Call, engine: Engine): Promise<readonly string[]> {
  if (call.arguments.length > 0) return call.arguments;
  const found = await engine.containers.list({ all: call.option(all) }, call.signal);
  return found.map(({ Id = "" }) => shortId(Id));
}

async function once(call: Call, engine: Engine, names: readonly string[]): Promise<void> {
  const rows = names.map(async (name) => {
    for await (const stats of engine.containers.stats(name, false, call.signal))
      return statsRow(name, stats, call.option(noTrunc));
    return statsRow(name, undefined, call.option(noTrunc));
  });
  printRows(call.session, listing, { format: call.option(formatFlag) }, await Promise.all(rows));
}

/** Redraws until all containers are gone or the program is ended. */
async function watch(call: Call, engine: Engine): Promise<void> {
  const events = call.arguments.length > 0 ? undefined : await watchContainers(call, engine);
  const names = await chosenContainers(call, engine);
  const latest = new Map<string, ContainerStatsResponse | undefined>(names.map((name) => [name, undefined]));
  const format = call.option(formatFlag) ?? "";
  const draw = (): void => {
    const rows = [...latest].map(([name, stats]) => statsRow(name, stats, call.option(noTrunc)));
    const text = formatRows(listing, format, rows).replaceAll("\n", "\x1b[K\n");
    call.session.out(`\x1b[H${text}\x1b[J`);
  };
  const follow = async (name: string): Promise<void> => {
    latest.set(name, latest.get(name));
    for await (const stats of engine.containers.stats(name, true, call.signal)) latest.set(name, stats);
    if (!call.option(all)) latest.delete(name);
  };
  call.session.out("\x1b[2J");
  const timer = setInterval(draw, REDRAW_MS);
  try {
    const comings = events === undefined ? [] : [followNew(events, { follow, latest })];
    await Promise.all([...names.map(follow), ...comings]);
  } finally {
    clearInterval(timer);
  }
}

interface Watched {
  readonly follow: (name: string) => Promise<void>;
  readonly latest: Map<string, unknown>;
}

/** Told from now on: who is listed after this is not missed. */
async function watchContainers(call: Call, engine: Engine): Promise<AsyncIterable<ReportedEvent>> {
  const event = ["start", "destroy", ...(call.option(all) ? ["create"] : [])];
  return await engine.system.events({ filters: { type: ["container"], event } }, call.signal);
}

/** Containers that are started later join, those that are removed leave. */
async function followNew(events: AsyncIterable<ReportedEvent>, { follow, latest }: Watched): Promise<void> {
  const followed: Promise<void>[] = [];
  for await (const { Action, Actor } of events) {
    const name = shortId(Actor?.ID ?? "");
    if (Action === "destroy") latest.delete(name);
    else if (!latest.has(name)) followed.push(follow(name));
  }
  await Promise.all(followed);
}

export const command: Command = {
  usage: "[OPTIONS] [CONTAINER...]",
  about: "Display a live stream of container(s) resource usage statistics",
  takes: [0, ANY],
  flags: [all, formatFlag, noStream, noTrunc],
  run: async (call) => {
    const engine = await call.session.engine(call.signal);
    if (call.option(noStream)) await once(call, engine, await chosenContainers(call, engine));
    else await watch(call, engine);
  },
};
