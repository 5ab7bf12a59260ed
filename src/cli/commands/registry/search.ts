import { Struct } from "#formats/go-template-values.ts";
import type { Command } from "../../grammar/command.ts";
import { integer, optionalText, toggle } from "../../grammar/flags.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { type Listing, printRows } from "../../output/listing.ts";
import { ellipsis } from "../../output/texts.ts";
import { registryAuth } from "../../registry-auth.ts";

const format = optionalText("format", { about: "Pretty-print search using a Go template" });
const limit = integer("limit", { about: "Max number of search results" });
const noTrunc = toggle("no-trunc", { about: "Don't truncate output" });

const DESCRIPTION_WIDTH = 45;

const listing: Listing = {
  type: "*registry.searchContext",
  defaultTable: "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
  headers: { Name: "NAME", Description: "DESCRIPTION", StarCount: "STARS", IsOfficial: "OFFICIAL" },
};

/** A row whose JSON spells out what its text shows as a mark. */
class SearchRow extends Struct {
  override toJSON(): unknown {
    return new Struct(this.type, {
      ...this.fields,
      IsOfficial: this.fields.IsOfficial === "" ? "false" : "true",
    }).toJSON();
  }
}

/** The index that a term begins with. */
function domainOf(term: string): string {
  const [first = "", rest] = term.split("/");
  const isIndex = rest !== undefined && (/[.:]/.test(first) || first === "localhost");
  return isIndex && first !== "index.docker.io" ? first : "docker.io";
}

export const command: Command = {
  usage: "[OPTIONS] TERM",
  about: "Search Docker Hub for images",
  takes: [1, 1],
  flags: [filterFlag, format, limit, noTrunc],
  run: async ({ session, arguments: [term = ""], option, signal }) => {
    const filters = parseFilters(option(filterFlag));
    if ("is-automated" in filters)
      session.err(
        'WARNING: the "is-automated" filter is deprecated, and searching for "is-automated=true" will not yield any results in future.\n',
      );
    const engine = await session.engine(signal);
    const auth = await registryAuth(session, { domain: domainOf(term) }, signal);
    const found = await engine.images.search(term, { limit: option(limit) ?? 0, filters }, auth, signal);
    const rows = found.map(({ name = "", description = "", star_count = 0, is_official = false }) => {
      const line = description.replaceAll(/[\r\n]/g, " ");
      return new SearchRow(listing.type, {
        Name: name,
        Description: option(noTrunc) ? line : ellipsis(line, DESCRIPTION_WIDTH),
        StarCount: String(star_count),
        IsOfficial: is_official ? "[OK]" : "",
      });
    });
    printRows(session, listing, { format: option(format) }, rows);
  },
};
