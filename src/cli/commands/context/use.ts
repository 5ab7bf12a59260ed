import { findContext, warnOfHost } from "../../contexts/chosen.ts";
import { DEFAULT_CONTEXT } from "../../contexts/store.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { changeSettings } from "../../settings.ts";

export const command: Command = {
  usage: "CONTEXT",
  about: "Set the current docker context",
  takes: [0, ANY],
  flags: [],
  run: async (call) => {
    const { session, arguments: names } = call;
    const [name = ""] = names;
    if (names.length !== 1) throw new ExitError(1, `accepts 1 arg(s), received ${names.length}`);
    findContext(session, name);
    const isDefault = name === DEFAULT_CONTEXT;
    changeSettings(session.connection.configFolder, { currentContext: isDefault ? undefined : name });
    session.out(`${name}\n`);
    session.err(`Current context is now ${JSON.stringify(name)}\n`);
    if (!isDefault) warnOfHost(call, JSON.stringify(name));
  },
};
