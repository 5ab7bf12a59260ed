import type { Command } from "../../grammar/command.ts";
import { text } from "../../grammar/flags.ts";
import { writeArchive } from "../../output/archive.ts";
import { pauseFlag } from "./pause-flag.ts";

const output = text("output", { short: "o", about: "Write to a file, instead of STDOUT" });

export const command: Command = {
  usage: "[OPTIONS] VOLUME",
  about: "Export a volume's files as a tar archive",
  takes: [1, 1],
  flags: [output, pauseFlag],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const open = async () => (await session.engine(signal)).volumes.export(name, option(pauseFlag), signal);
    await writeArchive(session, option(output), open, "failed to export volume");
  },
};
