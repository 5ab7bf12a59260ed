import { ANY, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

const size = toggle("size", { short: "s", about: "Display total file sizes" });

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Display detailed information on one or more containers",
  takes: [1, ANY],
  flags: [inspectFormat, size],
  run: async ({ session, arguments: names, option, signal }) => {
    const engine = await session.engine(signal);
    await inspectAll(session, names, option(inspectFormat), (name) =>
      engine.containers.inspectText(name, option(size), signal),
    );
  },
};
