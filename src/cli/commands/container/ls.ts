import { Struct } from "#formats/go-template-values.ts";
import { parseReference } from "#formats/reference.ts";
import { formatSize } from "#formats/units.ts";
import type { ContainerSummary } from "#spec/engine-api/definitions.table.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { integer, toggle } from "../../grammar/flags.ts";
import { messageFor } from "../../messages.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { formatFlag, type Listing, printRows, TEMPLATE_ERROR } from "../../output/listing.ts";
import {
  ellipsis,
  formatAgo,
  formatLabels,
  formatPorts,
  formatTime,
  quote,
  shortId,
} from "../../output/texts.ts";

const all = toggle("all", { short: "a", about: "Show all containers (default shows just running)" });
const last = integer("last", {
  short: "n",
  shown: "-1",
  about: "Show n last created containers (includes all states)",
});
const latest = toggle("latest", {
  short: "l",
  about: "Show the latest created container (includes all states)",
});
const noTrunc = toggle("no-trunc", { about: "Don't truncate output" });
const quiet = toggle("quiet", { short: "q", about: "Only display container IDs" });
const size = toggle("size", { short: "s", about: "Display total file sizes" });

const COMMAND_WIDTH = 20;
const MOUNT_WIDTH = 15;

const TABLE = [
  "{{.ID}}",
  "{{.Image}}",
  "{{.Command}}",
  "{{.RunningFor}}",
  "{{.Status}}",
  "{{.Ports}}",
  "{{.Names}}",
].join("\t");

export const containerListing: Listing = {
  type: "*formatter.ContainerContext",
  defaultTable: TABLE,
  headers: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
};

/** The image as it was named; an image that was asked for by id is shown by its short id, a digest beside a tag not at all. */
function imageText({ Image = "", ImageID = "" }: ContainerSummary, whole: boolean): string {
  if (Image === "") return "<no image>";
  if (whole) return Image;
  if (ImageID !== "" && shortId(ImageID) === shortId(Image)) return shortId(Image);
  try {
    const { tag, digest } = parseReference(Image);
    return tag !== undefined && digest !== undefined ? Image.slice(0, Image.indexOf("@")) : Image;
  } catch {
    return Image;
  }
}

/** Names without the slash; when shortened, names of links ("/other/alias") are left out. */
function namesText(names: readonly string[], whole: boolean): string {
  const plain = names.map((name) => name.replace(/^\//, ""));
  return plain.filter((name) => whole || !name.includes("/")).join(",");
}

function sizeText({ SizeRw, SizeRootFs }: ContainerSummary): string {
  const own = formatSize(SizeRw ?? 0, 3);
  return (SizeRootFs ?? 0) > 0 ? `${own} (virtual ${formatSize(SizeRootFs ?? 0, 3)})` : own;
}

function mountsText(container: ContainerSummary, whole: boolean): string {
  const names = (container.Mounts ?? []).map(({ Name, Source }) =>
    Name !== undefined && Name !== "" ? Name : (Source ?? ""),
  );
  return names.map((name) => (whole ? name : ellipsis(name, MOUNT_WIDTH))).join(",");
}

/** The fields that templates see. */
export function containerRow(container: ContainerSummary, now: number, whole: boolean): Struct {
  const labels = container.Labels ?? {};
  const created = (container.Created ?? 0) * 1000;
  const line = container.Command ?? "";
  return new Struct(containerListing.type, {
    Command: quote(whole ? line : ellipsis(line, COMMAND_WIDTH)),
    get CreatedAt() {
      return formatTime(created); // the zone's name takes longer than all the rest of a row
    },
    ID: whole ? (container.Id ?? "") : shortId(container.Id ?? ""),
    Image: imageText(container, whole),
    Labels: formatLabels(labels),
    Label: (name: unknown) => labels[String(name)] ?? "",
    LocalVolumes: String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
    Mounts: mountsText(container, whole),
    Names: namesText(container.Names ?? [], whole),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: null,
    Ports: formatPorts(container.Ports ?? []),
    RunningFor: formatAgo(now, created),
    Size: sizeText(container),
    State: container.State ?? "",
    Status: container.Status ?? "",
  });
}

/** Docker looks at this list's template before it lists, and tells of it otherwise than of those of other lists. */
function reworded(error: unknown): unknown {
  const message = messageFor(error);
  if (!message.startsWith(TEMPLATE_ERROR)) return error;
  const doing = message.includes(": executing ") ? "execute" : "parse";
  return new Error(message.replace(TEMPLATE_ERROR, `failed to ${doing} template: `), { cause: error });
}

async function run({ session, option, signal }: Call): Promise<void> {
  const format = option(formatFlag) ?? (option(quiet) ? undefined : session.settings.psFormat);
  const limit = option(latest) ? 1 : option(last);
  const wantsSize = option(size) || (format?.includes(".Size") ?? false);
  const engine = await session.engine(signal);
  const containers = await engine.containers.list(
    {
      all: option(all) || (limit !== undefined && limit > 0),
      size: wantsSize,
      filters: parseFilters(option(filterFlag)),
      ...(limit === undefined || limit <= 0 ? {} : { limit }),
    },
    signal,
  );
  const now = session.surroundings.now();
  const rows = containers.map((container) => containerRow(container, now, option(noTrunc)));
  const table = option(size)
    ? { ...containerListing, defaultTable: `${TABLE}\t{{.Size}}` }
    : containerListing;
  try {
    printRows(session, table, { format, quiet: option(quiet) && "ID" }, rows);
  } catch (error) {
    throw reworded(error);
  }
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "List containers",
  takes: [0, 0],
  flags: [all, filterFlag, formatFlag, last, latest, noTrunc, quiet, size],
  run,
};
