import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { stopFlags, stopOptions } from "../../stop-options.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Stop one or more running containers",
  takes: [1, ANY],
  flags: stopFlags,
  run: async (call) => {
    const options = stopOptions(call);
    await forEachName(call, async (engine, name) => {
      await engine.containers.stop(name, options, call.signal);
      return name;
    });
  },
};
