import { ANY, type Command } from "../../grammar/command.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

export const command: Command = {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Display detailed information on one or more volumes",
  takes: [1, ANY],
  flags: [inspectFormat],
  run: async ({ session, arguments: names, option, signal }) => {
    const engine = await session.engine(signal);
    await inspectAll(session, names, option(inspectFormat), (name) =>
      engine.volumes.inspectText(name, signal),
    );
  },
};
