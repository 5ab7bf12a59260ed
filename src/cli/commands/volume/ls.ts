import { Struct } from "#formats/go-template-values.ts";
import { formatSize } from "#formats/units.ts";
import type { Volume } from "#spec/engine-api/definitions.table.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle, unsupportedFlags } from "../../grammar/flags.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { formatLabels } from "../../output/texts.ts";

const quiet = toggle("quiet", { short: "q", about: "Only display volume names" });

export const volumeListing: Listing = {
  type: "*formatter.volumeContext",
  defaultTable: "{{.Driver}}\t{{.Name}}",
  headers: {
    Name: "VOLUME NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    Availability: "AVAILABILITY",
    Mountpoint: "MOUNTPOINT",
    Labels: "LABELS",
    Links: "LINKS",
    Size: "SIZE",
    Group: "GROUP",
    Status: "STATUS",
  },
};

/** The fields that templates see. */
export function volumeRow(volume: Volume): Struct {
  const labels = volume.Labels ?? {};
  const usage = volume.UsageData ?? undefined;
  return new Struct(volumeListing.type, {
    Availability: "N/A",
    Driver: volume.Driver ?? "",
    Group: "N/A",
    Label: (name: unknown) => labels[String(name)] ?? "",
    Labels: formatLabels(labels),
    Links: usage === undefined ? "N/A" : String(usage.RefCount),
    Mountpoint: volume.Mountpoint ?? "",
    Name: volume.Name ?? "",
    Scope: volume.Scope ?? "",
    Size: usage === undefined ? "N/A" : formatSize(usage.Size ?? 0),
    Status: "N/A",
  });
}

const byName = (a: Volume, b: Volume): number =>
  (a.Name ?? "").localeCompare(b.Name ?? "", "en", { numeric: true });

export const command: Command = {
  usage: "[OPTIONS]",
  about: "List volumes",
  takes: [0, 0],
  flags: [filterFlag, formatFlag, quiet, ...unsupportedFlags("cluster")],
  run: async ({ session, option, signal }) => {
    const engine = await session.engine(signal);
    const { Volumes } = await engine.volumes.list(parseFilters(option(filterFlag)), signal);
    const format = option(formatFlag) ?? (option(quiet) ? undefined : session.settings.volumesFormat);
    const rows = [...(Volumes ?? [])].sort(byName).map(volumeRow);
    printRows(session, volumeListing, { format, quiet: option(quiet) && "Name" }, rows);
  },
};
