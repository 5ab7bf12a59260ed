import { writeFile } from "node:fs/promises";
import { packContext } from "../../contexts/archive.ts";
import { findContext } from "../../contexts/chosen.ts";
import { DEFAULT_CONTEXT } from "../../contexts/store.ts";
import type { Command } from "../../grammar/command.ts";
import { unsupportedFlags } from "../../grammar/flags.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTEXT [FILE|-]",
  about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
  takes: [1, 2],
  flags: unsupportedFlags("kubeconfig"),
  run: async ({ session, arguments: [name = "", path = `${name}.dockercontext`] }) => {
    const { stdout } = session.surroundings;
    if (path === "-" && stdout.isTTY === true)
      throw new Error("cowardly refusing to export to a terminal, specify a file path");
    const context = findContext(session, name);
    const { metadata } = context;
    const archive = packContext(name, {
      ...context,
      metadata: name === DEFAULT_CONTEXT ? { ...metadata, Metadata: {} } : metadata,
    });
    if (path === "-") {
      stdout.write(archive);
      return;
    }
    await writeFile(path, archive, { flag: "wx", mode: 0o600 });
    session.err(`Written file ${JSON.stringify(path)}\n`);
  },
};
