import { ApiError } from "#client/api-error.ts";
import { forEachName } from "../../each.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";

const force = toggle("force", {
  short: "f",
  about: "Force the removal of a running container (uses SIGKILL)",
});
const link = toggle("link", { short: "l", about: "Remove the specified link" });
const volumes = toggle("volumes", {
  short: "v",
  about: "Remove anonymous volumes associated with the container",
});

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Remove one or more containers",
  takes: [1, ANY],
  flags: [force, link, volumes],
  run: (call) =>
    forEachName(call, async (engine, given) => {
      const name = given.replace(/^\/+/, "");
      if (name === "") throw new Error("container name cannot be empty");
      const options = { force: call.option(force), link: call.option(link), v: call.option(volumes) };
      try {
        await engine.containers.remove(name, options, call.signal);
      } catch (error) {
        if (!options.force || !(error instanceof ApiError) || error.status !== 404) throw error;
        call.session.err(`Error response from daemon: ${error.message}\n`); // with --force, gone is what was wanted
        return undefined;
      }
      return given;
    }),
};
