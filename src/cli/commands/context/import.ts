import { readFile } from "node:fs/promises";
import { unpackContext } from "../../contexts/archive.ts";
import { checkContextName, hasContext, writeContext } from "../../contexts/store.ts";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "CONTEXT FILE|-",
  about: "Import a context from a tar or zip file",
  takes: [2, 2],
  flags: [],
  run: async ({ session, arguments: [name = "", path = ""] }) => {
    const { configFolder } = session.connection;
    checkContextName(name);
    if (hasContext(configFolder, name)) throw new Error(`context ${JSON.stringify(name)} already exists`);
    const bytes =
      path === "-"
        ? Buffer.concat(await Array.fromAsync<Buffer>(session.surroundings.stdin))
        : await readFile(path);
    writeContext(configFolder, name, unpackContext(bytes));
    session.out(`${name}\n`);
    session.err(`Successfully imported context ${JSON.stringify(name)}\n`);
  },
};
