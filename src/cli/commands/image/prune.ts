import { formatSize } from "#formats/units.ts";
import { confirm, forceFlag } from "../../confirm.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { deletedImages } from "../../output/pruned.ts";
import { previewPrune } from "../../prune/preview.ts";

const all = toggle("all", { short: "a", about: "Remove all unused images, not just dangling ones" });

const WARNING = {
  dangling: "WARNING! This will remove all dangling images.\n",
  all: "WARNING! This will remove all images without at least one container associated to them.\n",
} as const;

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove unused images",
  takes: [0, 0],
  flags: [all, pruneFilterFlag, forceFlag],
  run: async (call) => {
    const everything = call.option(all);
    const given = parseFilters(call.option(pruneFilterFlag));
    const images = everything ? "all" : "dangling";
    const preview = call.option(forceFlag) ? "" : await previewPrune(call, { images }, given);
    await confirm(call, WARNING[images] + preview);
    const engine = await call.session.engine(call.signal);
    const filters = { ...given, dangling: [String(!everything)] };
    const report = await engine.images.prune(filters, call.signal);
    const deleted = deletedImages(report);
    if (deleted !== "") call.session.out(`Deleted Images:\n${deleted}\n`);
    call.session.out(`Total reclaimed space: ${formatSize(report.SpaceReclaimed ?? 0)}\n`);
  },
};
