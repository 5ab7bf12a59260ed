import { ANY, type Command } from "../../grammar/command.ts";
import { text } from "../../grammar/flags.ts";
import { writeArchive } from "../../output/archive.ts";
import { encodePlatform, PLATFORM_HELP } from "../../platform.ts";

const output = text("output", { short: "o", about: "Write to a file, instead of STDOUT" });

const platform = text("platform", { about: `Save only the given platform variant. ${PLATFORM_HELP}` });

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  takes: [1, ANY],
  flags: [output, platform],
  run: async ({ session, arguments: names, option, signal }) => {
    const wanted = encodePlatform(option(platform));
    const open = async () => (await session.engine(signal)).images.save(names, wanted, signal);
    await writeArchive(session, option(output), open, "failed to save image");
  },
};
