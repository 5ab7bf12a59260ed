import { canonicalName, parseReference } from "#formats/reference.ts";
import type { Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { list, text, toggle } from "../../grammar/flags.ts";

const author = text("author", {
  short: "a",
  about: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
});
const change = list("change", { short: "c", about: "Apply Dockerfile instruction to the created image" });
const message = text("message", { short: "m", about: "Commit message" });
const pause = toggle("pause", { short: "p", shown: "true", about: "Pause container during commit" });

/** Since 29 instead of --pause=false. */
const noPause = toggle("no-pause", { about: "Disable pausing container during commit" });

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  about: "Create a new image from a container's changes",
  takes: [1, 2],
  flags: [author, change, message, pause, noPause],
  run: async ({ session, arguments: [name = "", given = ""], option, isGiven, signal }) => {
    if (isGiven(pause) && isGiven(noPause))
      throw new ExitError(1, "conflicting options: --no-pause and --pause cannot be used together");
    const reference = given === "" ? undefined : parseReference(given);
    const engine = await session.engine(signal);
    const id = await engine.containers.commit(
      name,
      {
        ...(reference === undefined
          ? {}
          : { repo: canonicalName(reference), tag: reference.tag ?? "latest" }),
        author: option(author),
        comment: option(message),
        changes: option(change),
        pause: option(pause) && !option(noPause),
      },
      signal,
    );
    session.out(`${id}\n`);
  },
};
