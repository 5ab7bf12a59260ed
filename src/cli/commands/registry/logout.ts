import { eraseCredentials, HUB, hostOf } from "../../credentials.ts";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "[SERVER]",
  about: "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
  takes: [0, 1],
  flags: [],
  run: async ({ session, arguments: [given = ""], signal }) => {
    const host = given === "" ? HUB : hostOf(given);
    // Older clients kept credentials under these names, too.
    const names = given === "" ? [HUB] : [...new Set([given, host, `http://${host}`, `https://${host}`])];
    session.out(`Removing login credentials for ${host}\n`);
    const failures = await eraseCredentials(session, names, signal);
    if (failures.length < names.length) return;
    session.err(
      `WARNING: could not erase credentials:\n${failures.map(({ message }) => message).join("\n")}\n`,
    );
  },
};
