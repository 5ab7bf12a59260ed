import type { Command } from "../../grammar/command.ts";
import { pauseFlag } from "./pause-flag.ts";

export const command: Command = {
  usage: "[OPTIONS] VOLUME NEW_VOLUME",
  about: "Copy a volume to a new one; the files share their blocks where the file system can",
  takes: [2, 2],
  flags: [pauseFlag],
  run: async ({ session, arguments: [from = "", to = ""], option, signal }) => {
    const engine = await session.engine(signal);
    const { Name } = await engine.volumes.clone(from, to, option(pauseFlag), signal);
    session.out(`${Name}\n`);
  },
};
