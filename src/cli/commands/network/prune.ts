import { confirm, forceFlag } from "../../confirm.ts";
import type { Command } from "../../grammar/command.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { deletedNames } from "../../output/pruned.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove all unused networks",
  takes: [0, 0],
  flags: [pruneFilterFlag, forceFlag],
  run: async (call) => {
    await confirm(
      call,
      "WARNING! This will remove all custom networks not used by at least one container.\n",
    );
    const engine = await call.session.engine(call.signal);
    const report = await engine.networks.prune(parseFilters(call.option(pruneFilterFlag)), call.signal);
    call.session.out(deletedNames("Deleted Networks:", report.NetworksDeleted));
  },
};
