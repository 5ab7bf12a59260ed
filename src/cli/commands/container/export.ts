import type { Command } from "../../grammar/command.ts";
import { text } from "../../grammar/flags.ts";
import { writeArchive } from "../../output/archive.ts";

const output = text("output", { short: "o", about: "Write to a file, instead of STDOUT" });

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  about: "Export a container's filesystem as a tar archive",
  takes: [1, 1],
  flags: [output],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const open = async () => (await session.engine(signal)).containers.export(name, signal);
    await writeArchive(session, option(output), open, "failed to export container");
  },
};
