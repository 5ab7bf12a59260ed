import { ApiError } from "#client/api-error.ts";
import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle } from "../../grammar/flags.ts";

const force = toggle("force", { short: "f", about: "Do not error if the network does not exist" });

export const command: Command = {
  usage: "NETWORK [NETWORK...]",
  about: "Remove one or more networks",
  takes: [1, ANY],
  flags: [force],
  run: async (call) => {
    const removal = forEachName(call, async (engine, name) => {
      try {
        await engine.networks.remove(name, call.signal);
      } catch (error) {
        if (call.option(force) && error instanceof ApiError && error.status === 404) return undefined;
        throw error;
      }
      return name;
    });
    await removal.catch((error: unknown) => {
      throw error instanceof ExitError ? new ExitError(1, `${error.message}\nexit status 1`) : error;
    });
  },
};
