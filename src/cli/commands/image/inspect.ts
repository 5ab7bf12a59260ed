import { ANY, type Command } from "../../grammar/command.ts";
import { unsupportedFlags } from "../../grammar/flags.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Display detailed information on one or more images",
  takes: [1, ANY],
  flags: [inspectFormat, ...unsupportedFlags("platform")],
  run: async ({ session, arguments: names, option, signal }) => {
    const engine = await session.engine(signal);
    await inspectAll(session, names, option(inspectFormat), (name) =>
      engine.images.inspectText(name, signal),
    );
  },
};
