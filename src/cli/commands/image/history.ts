import { Struct } from "#formats/go-template-values.ts";
import { formatSize } from "#formats/units.ts";
import type { Command } from "../../grammar/command.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { ellipsis, formatAgo, shortId } from "../../output/texts.ts";
import { encodePlatform, PLATFORM_HELP } from "../../platform.ts";

const human = toggle("human", {
  short: "H",
  shown: "true",
  about: "Print sizes and dates in human readable format",
});
const noTrunc = toggle("no-trunc", { about: "Don't truncate output" });
const quiet = toggle("quiet", { short: "q", about: "Only show image IDs" });

const platform = text("platform", { about: `Show history for the given platform. ${PLATFORM_HELP}` });

const CREATED_BY_WIDTH = 45;

const listing: Listing = {
  type: "*image.historyContext",
  defaultTable: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
  headers: {
    ID: "IMAGE",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
};

export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  about: "Show the history of an image",
  takes: [1, 1],
  flags: [formatFlag, human, noTrunc, quiet, platform],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const engine = await session.engine(signal);
    const now = session.surroundings.now();
    const whole = option(noTrunc);
    const layers = await engine.images.history(name, encodePlatform(option(platform)), signal);
    const rows = layers.map(({ Id = "", Created = 0, CreatedBy = "", Size = 0, Comment = "" }) => {
      const at = new Date(Created * 1000).toISOString().replace(".000", "");
      const line = CreatedBy.replaceAll("\t", " ");
      return new Struct(listing.type, {
        Comment,
        CreatedAt: at,
        CreatedBy: whole ? line : ellipsis(line, CREATED_BY_WIDTH),
        CreatedSince: option(human) ? (Created <= 0 ? "N/A" : formatAgo(now, Created * 1000)) : at,
        ID: whole ? Id : shortId(Id),
        Size: option(human) ? formatSize(Size, 3) : String(Size),
      });
    });
    printRows(session, listing, { format: option(formatFlag), quiet: option(quiet) && "ID" }, rows);
  },
};
