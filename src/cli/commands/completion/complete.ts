// Asked by the shells' scripts at every tab, so it never waits for long and never starts a daemon.

import { complete, DIRECTIVE } from "../../completion/complete.ts";
import { GLOBAL, globalFlags, resolveConnection } from "../../connection.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { type ParsedLine, parseLine } from "../../grammar/parse.ts";
import { Session } from "../../session.ts";

const PATIENCE_MS = 3000;

/** The global flags of the line that is being written; what is wrong in it counts as not written. */
function readGlobals(words: readonly string[]): ParsedLine {
  const grammar = { flags: globalFlags, interspersed: false };
  try {
    return parseLine(grammar, words.slice(0, -1));
  } catch {
    return parseLine(grammar, []);
  }
}

export const command: Command = {
  usage: "[WORD...]",
  about: "Tell a shell what may stand at the cursor",
  takes: [0, ANY],
  verbatim: true,
  flags: [],
  run: async ({ session, tree, arguments: words, signal }) => {
    const line = readGlobals(words);
    const own = line.isGiven(GLOBAL.host) || line.isGiven(GLOBAL.context) || line.isGiven(GLOBAL.config);
    const { surroundings, connection, runWords } = session;
    const chosen = own ? resolveConnection(line, surroundings.env) : connection;
    using asking = new Session(surroundings, { ...chosen, autostart: false, debug: false }, runWords);
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      const { candidates, directive } = await complete({ session: asking, tree }, words, patience);
      const lines = candidates.map(({ value, about }) => (about === "" ? value : `${value}\t${about}`));
      session.out(`${[...lines, `:${directive}`].join("\n")}\n`);
    } catch {
      session.out(`:${DIRECTIVE.failed + DIRECTIVE.noFiles}\n`); // nothing can be said where a shell draws its line
    }
  },
};
