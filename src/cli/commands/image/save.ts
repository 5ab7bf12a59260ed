import { ANY, type Command } from "../../grammar/command.ts";
import { text, unsupportedFlags } from "../../grammar/flags.ts";
import { writeArchive } from "../../output/archive.ts";

const output = text("output", { short: "o", about: "Write to a file, instead of STDOUT" });

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  takes: [1, ANY],
  flags: [output, ...unsupportedFlags("platform")],
  run: async ({ session, arguments: names, option, signal }) => {
    const open = async () => (await session.engine(signal)).images.save(names, signal);
    await writeArchive(session, option(output), open, "failed to save image");
  },
};
