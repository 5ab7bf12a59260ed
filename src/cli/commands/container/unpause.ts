import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "CONTAINER [CONTAINER...]",
  about: "Unpause all processes within one or more containers",
  takes: [1, ANY],
  flags: [],
  run: (call) =>
    forEachName(call, async (engine, name) => {
      await engine.containers.unpause(name, call.signal);
      return name;
    }),
};
