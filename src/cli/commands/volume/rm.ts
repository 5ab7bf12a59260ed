import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";

const force = toggle("force", { short: "f", about: "Force the removal of one or more volumes" });

export const command: Command = {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Remove one or more volumes",
  takes: [1, ANY],
  flags: [force],
  run: (call) =>
    forEachName(call, async (engine, name) => {
      await engine.volumes.remove(name, call.option(force), call.signal);
      return name;
    }),
};
