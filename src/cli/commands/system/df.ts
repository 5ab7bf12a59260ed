import type { DiskUsage } from "#client/system.ts";
import { Struct } from "#formats/go-template-values.ts";
import { formatSize } from "#formats/units.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { detailTables, formatDetails } from "./df-details.ts";

const verbose = toggle("verbose", { short: "v", about: "Show detailed information on space usage" });

const listing: Listing = {
  type: "*formatter.diskUsageContext",
  defaultTable: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
  headers: {
    Type: "TYPE",
    TotalCount: "TOTAL",
    Active: "ACTIVE",
    Size: "SIZE",
    Reclaimable: "RECLAIMABLE",
  },
};

interface Amount {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: string;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + Math.max(0, size), 0);

/** "1.2MB (40%)", the share of what there is. */
const shareOf = (part: number, whole: number): string =>
  whole > 0 ? `${formatSize(part)} (${Math.trunc((part * 100) / whole)}%)` : formatSize(part);

function imagesAmount({ Images, LayersSize = 0 }: DiskUsage): Amount {
  const images = Images ?? [];
  const used = images.filter(({ Containers = 0 }) => Containers > 0);
  const kept = sum(used.map(({ Size = 0, SharedSize = 0 }) => Size - Math.max(0, SharedSize)));
  const reclaimable = shareOf(Math.max(0, LayersSize - kept), LayersSize);
  return { type: "Images", total: images.length, active: used.length, size: LayersSize, reclaimable };
}

const isActive = (state: string | undefined): boolean =>
  state === "running" || state === "paused" || state === "restarting";

function containersAmount({ Containers }: DiskUsage): Amount {
  const containers = Containers ?? [];
  const size = sum(containers.map(({ SizeRw }) => SizeRw ?? 0));
  const stopped = containers.filter(({ State }) => !isActive(State));
  const active = containers.length - stopped.length;
  const reclaimable = shareOf(sum(stopped.map(({ SizeRw }) => SizeRw ?? 0)), size);
  return { type: "Containers", total: containers.length, active, size, reclaimable };
}

function volumesAmount({ Volumes }: DiskUsage): Amount {
  const volumes = Volumes ?? [];
  const sizeOf = (of: typeof volumes): number => sum(of.map(({ UsageData }) => UsageData?.Size ?? 0));
  const unused = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) <= 0);
  const size = sizeOf(volumes);
  const reclaimable = shareOf(sizeOf(unused), size);
  return {
    type: "Local Volumes",
    total: volumes.length,
    active: volumes.length - unused.length,
    size,
    reclaimable,
  };
}

function cacheAmount({ BuildCache }: DiskUsage): Amount {
  const caches = BuildCache ?? [];
  const size = sum(caches.filter(({ Shared }) => Shared !== true).map(({ Size = 0 }) => Size));
  const inUse = caches.filter(({ InUse }) => InUse === true);
  const used = sum(inUse.filter(({ Shared }) => Shared !== true).map(({ Size = 0 }) => Size));
  const reclaimable = formatSize(size - used);
  return { type: "Build Cache", total: caches.length, active: inUse.length, size, reclaimable };
}

const amountRow = ({ type, total, active, size, reclaimable }: Amount): Struct =>
  new Struct(listing.type, {
    Active: String(active),
    Reclaimable: reclaimable,
    Size: formatSize(size),
    TotalCount: String(total),
    Type: type,
  });

async function run({ session, option, signal }: Call): Promise<void> {
  const engine = await session.engine(signal);
  const usage = await engine.system.diskUsage(signal);
  if (option(verbose)) {
    const wanted = option(formatFlag) ?? "table";
    const now = session.surroundings.now();
    const isTable = wanted === "" || wanted === "table";
    const text = isTable
      ? detailTables(usage, cacheAmount(usage).size, now)
      : formatDetails(usage, wanted, now);
    return session.out(text);
  }
  const amounts = [imagesAmount(usage), containersAmount(usage), volumesAmount(usage), cacheAmount(usage)];
  printRows(session, listing, { format: option(formatFlag) }, amounts.map(amountRow));
  if (option(formatFlag) === undefined) session.out(describeDiscarded(usage));
}

/** Gantry's own; nothing where nothing was discarded. */
function describeDiscarded({ DiscardedLayers: discarded }: DiskUsage): string {
  if (discarded === undefined) return "";
  const { TotalCount, TotalSize, RecordSize } = discarded;
  return `\nCompressed layers discarded: ${TotalCount}, of ${formatSize(TotalSize)}; ${formatSize(RecordSize)} to rebuild them\n`;
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Show docker disk usage",
  takes: [0, 0],
  flags: [formatFlag, verbose],
  run,
};
