import { forEachName } from "../../each.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { integer, text } from "../../grammar/flags.ts";

const signalName = text("signal", { short: "s", about: "Signal to send to the container" });
const timeout = integer("timeout", { short: "t", about: "Seconds to wait before killing the container" });
/** The older name. */
const time = integer("time");

function settings({ option, isGiven }: Call): { readonly signal?: string; readonly t?: number } {
  if (isGiven(time) && isGiven(timeout))
    throw new Error("conflicting options: cannot specify both --timeout and --time");
  const seconds = option(timeout) ?? option(time);
  const name = option(signalName);
  return { ...(name === "" ? {} : { signal: name }), ...(seconds === undefined ? {} : { t: seconds }) };
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Restart one or more containers",
  takes: [1, ANY],
  flags: [signalName, timeout, time],
  run: (call) =>
    forEachName(call, async (engine, name) => {
      await engine.containers.restart(name, settings(call), call.signal);
      return name;
    }),
};
