import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "",
  about: "Print the name of the current context",
  takes: [0, 0],
  flags: [],
  run: async ({ session }) => session.out(`${session.connection.contextName}\n`),
};
