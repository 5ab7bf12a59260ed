import type { Command } from "../../grammar/command.ts";
import { messageFor } from "../../messages.ts";

const renameFailed = (cause: unknown, name: string): Error =>
  new Error(`${messageFor(cause)}\nError: failed to rename container named ${name}`, { cause });

export const command: Command = {
  usage: "CONTAINER NEW_NAME",
  about: "Rename a container",
  takes: [2, 2],
  flags: [],
  run: async ({ session, arguments: [from = "", to = ""], signal }) => {
    const [oldName, newName] = [from.trim(), to.trim()];
    if (oldName === "" || newName === "") throw new Error("neither old nor new names may be empty");
    const engine = await session.engine(signal);
    try {
      await engine.containers.rename(oldName, newName, signal);
    } catch (error) {
      throw renameFailed(error, oldName);
    }
  },
};
