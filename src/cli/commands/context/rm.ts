import { DEFAULT_CONTEXT, hasContext, removeContext } from "../../contexts/store.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle } from "../../grammar/flags.ts";
import { messageFor } from "../../messages.ts";
import type { Session } from "../../session.ts";
import { changeSettings } from "../../settings.ts";

const force = toggle("force", { short: "f", about: "Force the removal of a context in use" });

function remove({ connection: { configFolder, contextName } }: Session, name: string, forced: boolean): void {
  const quoted = JSON.stringify(name);
  if (name === DEFAULT_CONTEXT) throw new Error(`context ${quoted} cannot be removed`);
  if (!forced && !hasContext(configFolder, name)) throw new Error(`context ${quoted} does not exist`);
  if (name === contextName) {
    if (!forced) throw new Error(`context ${quoted} is in use, set -f flag to force remove`);
    changeSettings(configFolder, { currentContext: undefined });
  }
  removeContext(configFolder, name);
}

export const command: Command = {
  usage: "CONTEXT [CONTEXT...]",
  about: "Remove one or more contexts",
  takes: [1, ANY],
  flags: [force],
  run: async ({ session, arguments: names, option }) => {
    const failures: string[] = [];
    for (const name of names) {
      try {
        remove(session, name, option(force));
        session.out(`${name}\n`);
      } catch (error) {
        failures.push(messageFor(error));
      }
    }
    if (failures.length > 0) throw new ExitError(1, failures.join("\n"));
  },
};
