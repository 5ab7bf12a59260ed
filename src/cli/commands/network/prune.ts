import { confirm, forceFlag } from "../../confirm.ts";
import type { Command } from "../../grammar/command.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { deletedNames } from "../../output/pruned.ts";
import { previewPrune } from "../../prune/preview.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove all unused networks",
  takes: [0, 0],
  flags: [pruneFilterFlag, forceFlag],
  run: async (call) => {
    const filters = parseFilters(call.option(pruneFilterFlag));
    const preview = call.option(forceFlag) ? "" : await previewPrune(call, { networks: true }, filters);
    await confirm(
      call,
      `WARNING! This will remove all custom networks not used by at least one container.\n${preview}`,
    );
    const engine = await call.session.engine(call.signal);
    const report = await engine.networks.prune(filters, call.signal);
    call.session.out(deletedNames("Deleted Networks:", report.NetworksDeleted));
  },
};
