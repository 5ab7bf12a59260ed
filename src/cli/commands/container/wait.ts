import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "CONTAINER [CONTAINER...]",
  about: "Block until one or more containers stop, then print their exit codes",
  takes: [1, ANY],
  flags: [],
  run: (call) =>
    forEachName(call, async (engine, name) => {
      const { exit } = await engine.containers.wait(name, "not-running", call.signal);
      const { StatusCode, Error: failure } = await exit;
      if (failure?.Message !== undefined && failure.Message !== "") throw new Error(failure.Message);
      return String(StatusCode);
    }),
};
