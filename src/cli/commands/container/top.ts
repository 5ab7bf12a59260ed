import { alignColumns } from "#formats/table.ts";
import { ANY, type Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "CONTAINER [ps OPTIONS]",
  about: "Display the running processes of a container",
  takes: [1, ANY],
  passThrough: true,
  flags: [],
  run: async ({ session, arguments: [name = "", ...psArguments], signal }) => {
    const engine = await session.engine(signal);
    const { Titles, Processes } = await engine.containers.top(name, psArguments.join(" "), signal);
    const lines = [Titles ?? [], ...(Processes ?? [])].map((cells) => cells.join("\t"));
    session.out(alignColumns(`${lines.join("\n")}\n`, { minWidth: 20, padding: 3 }));
  },
};
