import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { text } from "../../grammar/flags.ts";

const signalName = text("signal", { short: "s", about: "Signal to send to the container" });

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Kill one or more running containers",
  takes: [1, ANY],
  flags: [signalName],
  run: (call) =>
    forEachName(call, async (engine, name) => {
      await engine.containers.kill(name, call.option(signalName), call.signal);
      return name;
    }),
};
