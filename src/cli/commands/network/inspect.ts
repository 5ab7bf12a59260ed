import { ANY, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

const verbose = toggle("verbose", { short: "v", about: "Verbose output for diagnostics" });

export const command: Command = {
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  about: "Display detailed information on one or more networks",
  takes: [1, ANY],
  flags: [inspectFormat, verbose],
  run: async ({ session, arguments: names, option, signal }) => {
    const engine = await session.engine(signal);
    await inspectAll(session, names, option(inspectFormat), (name) =>
      engine.networks.inspectText(name, option(verbose), signal),
    );
  },
};
