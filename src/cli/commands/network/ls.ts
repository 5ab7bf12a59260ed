import { Struct } from "#formats/go-template-values.ts";
import type { Network } from "#spec/engine-api/definitions.table.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { formatLabels, formatTimestamp, shortId } from "../../output/texts.ts";

const noTrunc = toggle("no-trunc", { about: "Do not truncate the output" });
const quiet = toggle("quiet", { short: "q", about: "Only display network IDs" });

const listing: Listing = {
  type: "*network.networkContext",
  defaultTable: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  headers: {
    ID: "NETWORK ID",
    Name: "NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    IPv4: "IPV4",
    IPv6: "IPV6",
    Internal: "INTERNAL",
    Labels: "LABELS",
    CreatedAt: "CREATED AT",
  },
};

function networkRow(network: Network, whole: boolean): Struct {
  const labels = network.Labels ?? {};
  return new Struct(listing.type, {
    CreatedAt: formatTimestamp(network.Created),
    Driver: network.Driver ?? "",
    ID: whole ? (network.Id ?? "") : shortId(network.Id ?? ""),
    IPv4: String(network.EnableIPv4 ?? false),
    IPv6: String(network.EnableIPv6 ?? false),
    Internal: String(network.Internal ?? false),
    Label: (name: unknown) => labels[String(name)] ?? "",
    Labels: formatLabels(labels),
    Name: network.Name ?? "",
    Scope: network.Scope ?? "",
  });
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "List networks",
  takes: [0, 0],
  flags: [filterFlag, formatFlag, noTrunc, quiet],
  run: async ({ session, option, signal }) => {
    const engine = await session.engine(signal);
    const networks = await engine.networks.list(parseFilters(option(filterFlag)), signal);
    const format = option(formatFlag) ?? (option(quiet) ? undefined : session.settings.networksFormat);
    const rows = [...networks]
      .sort((a, b) => (a.Name ?? "").localeCompare(b.Name ?? "", "en", { numeric: true }))
      .map((network) => networkRow(network, option(noTrunc)));
    printRows(session, listing, { format, quiet: option(quiet) && "ID" }, rows);
  },
};
