import { ApiError } from "#client/api-error.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { list, toggle } from "../../grammar/flags.ts";
import { messageFor } from "../../messages.ts";
import { encodePlatform, PLATFORM_HELP } from "../../platform.ts";

const force = toggle("force", { short: "f", about: "Force removal of the image" });
const noPrune = toggle("no-prune", { about: "Do not delete untagged parents" });

const platform = list("platform", {
  value: "strings",
  about: `Remove only the given platform variant. ${PLATFORM_HELP}`,
});

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Remove one or more images",
  takes: [1, ANY],
  flags: [force, noPrune, platform],
  run: async ({ session, arguments: names, option, signal }) => {
    const engine = await session.engine(signal);
    const platforms = option(platform)
      .flatMap((text) => text.split(","))
      .map(encodePlatform);
    const options = { force: option(force), noprune: option(noPrune), platforms };
    const failures: unknown[] = [];
    for (const name of names) {
      try {
        for (const { Untagged, Deleted } of await engine.images.remove(name, options, signal))
          session.out(
            Deleted === undefined || Deleted === "" ? `Untagged: ${Untagged}\n` : `Deleted: ${Deleted}\n`,
          );
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return;
    const messages = failures.map(messageFor).join("\n");
    const allMissing = failures.every((error) => error instanceof ApiError && error.status === 404);
    if (!option(force) || !allMissing) throw new ExitError(1, messages);
    session.err(`${messages}\n`); // with --force, gone is what was wanted
  },
};
