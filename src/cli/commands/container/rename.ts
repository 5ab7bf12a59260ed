import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "CONTAINER NEW_NAME",
  about: "Rename a container",
  takes: [2, 2],
  flags: [],
  run: async ({ session, arguments: [from = "", to = ""], signal }) => {
    const [oldName, newName] = [from.trim(), to.trim()];
    if (oldName === "" || newName === "") throw new Error("neither old nor new names may be empty");
    const engine = await session.engine(signal);
    await engine.containers.rename(oldName, newName, signal);
  },
};
