// The help of the program and of its groups of commands.

import { commonCommands, entries, groups } from "./commands/tree.table.ts";
import { globalFlags } from "./connection.ts";
import { commandUsages, flagUsages, usageLine } from "./grammar/help.ts";
import type { Group } from "./grammar/tree.ts";
import { PROGRAM } from "./version.ts";

/** DOCKER_HIDE_LEGACY_COMMANDS leaves out what has a spelling with its noun. */
export function programHelp(env: Readonly<Record<string, string | undefined>>): string {
  const hidesLegacy = (env.DOCKER_HIDE_LEGACY_COMMANDS ?? "") !== "";
  const top = entries
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ names, about }) =>
      names.map((name) => ({ name, about, isLegacy: names.some((other) => other.includes(" ")) })),
    )
    .filter(({ name }) => !name.includes(" "));
  const common = commonCommands.flatMap((name) => top.filter((entry) => entry.name === name));
  const others = top
    .filter(({ name, isLegacy }) => !commonCommands.includes(name) && !(hidesLegacy && isLegacy))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    usageLine(PROGRAM, "[OPTIONS] COMMAND"),
    "Docker Engine, written from the ground up in TypeScript",
    `Common Commands:\n${commandUsages(common)}`,
    `Management Commands:\n${commandUsages(groups)}`,
    `Commands:\n${commandUsages(others)}`,
    `Global Options:\n${flagUsages(globalFlags)}`,
    `Run '${PROGRAM} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}

export function groupHelp({ name, about }: Group): string {
  const members = entries
    .filter(({ names, hidden }) => hidden !== true && names[0]?.startsWith(`${name} `))
    .map((entry) => ({ name: entry.names[0]?.slice(name.length + 1) ?? "", about: entry.about }));
  return [
    usageLine(`${PROGRAM} ${name}`, "COMMAND"),
    about,
    `Commands:\n${commandUsages(members)}`,
    `Run '${PROGRAM} ${name} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}
