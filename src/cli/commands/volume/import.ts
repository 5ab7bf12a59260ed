import { open } from "node:fs/promises";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "VOLUME [FILE|-]",
  about: "Fill a new or empty volume from a tar archive, compressed or not",
  takes: [1, 2],
  flags: [],
  run: async ({ session, arguments: [name = "", path = "-"], signal }) => {
    const { stdin } = session.surroundings;
    if (path === "-" && stdin.isTTY === true)
      throw new Error("requested import from stdin, but stdin is empty");
    await using file = path === "-" ? undefined : await open(path);
    const body = file?.createReadStream({ autoClose: false }) ?? stdin;
    const engine = await session.engine(signal);
    const { Name } = await engine.volumes.import(name, body, signal);
    session.out(`${Name}\n`);
  },
};
