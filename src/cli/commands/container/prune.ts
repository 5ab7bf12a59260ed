import { formatSize } from "#formats/units.ts";
import { confirm, forceFlag } from "../../confirm.ts";
import type { Command } from "../../grammar/command.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { previewPrune } from "../../prune/preview.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove all stopped containers",
  takes: [0, 0],
  flags: [pruneFilterFlag, forceFlag],
  run: async (call) => {
    const filters = parseFilters(call.option(pruneFilterFlag));
    const preview = call.option(forceFlag) ? "" : await previewPrune(call, { containers: true }, filters);
    await confirm(call, `WARNING! This will remove all stopped containers.\n${preview}`);
    const engine = await call.session.engine(call.signal);
    const { ContainersDeleted, SpaceReclaimed } = await engine.containers.prune(filters, call.signal);
    const deleted = ContainersDeleted ?? [];
    if (deleted.length > 0) call.session.out(`Deleted Containers:\n${deleted.join("\n")}\n\n`);
    call.session.out(`Total reclaimed space: ${formatSize(SpaceReclaimed ?? 0)}\n`);
  },
};
