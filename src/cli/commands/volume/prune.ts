import { formatSize } from "#formats/units.ts";
import { confirm, forceFlag } from "../../confirm.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { deletedNames } from "../../output/pruned.ts";
import { previewPrune } from "../../prune/preview.ts";

const all = toggle("all", { short: "a", about: "Remove all unused volumes, not just anonymous ones" });

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove unused local volumes",
  takes: [0, 0],
  flags: [all, pruneFilterFlag, forceFlag],
  run: async (call) => {
    const everything = call.option(all);
    const which = everything ? "local volumes" : "anonymous local volumes";
    const given = parseFilters(call.option(pruneFilterFlag));
    const volumes = everything ? "all" : "anonymous";
    const preview = call.option(forceFlag) ? "" : await previewPrune(call, { volumes }, given);
    await confirm(call, `WARNING! This will remove ${which} not used by at least one container.\n${preview}`);
    const engine = await call.session.engine(call.signal);
    const filters = everything ? { ...given, all: ["true"] } : given;
    const { VolumesDeleted, SpaceReclaimed } = await engine.volumes.prune(filters, call.signal);
    call.session.out(deletedNames("Deleted Volumes:", VolumesDeleted));
    call.session.out(`Total reclaimed space: ${formatSize(SpaceReclaimed ?? 0)}\n`);
  },
};
