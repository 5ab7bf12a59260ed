// Help in the layout of runc's.

import { alignColumns } from "#formats/table.ts";
import { type CommandRow, commands, type FlagRow, globalFlags } from "./commands.table.ts";

const PROGRAM = "gantry-runc";
const columns = { minWidth: 1, padding: 2 } as const;

const about = `${PROGRAM} runs containers from bundles in the format of the Open Container
Initiative (OCI). A bundle is a folder with a config.json and a root file system:

    # ${PROGRAM} run [ -b bundle ] <container-id>

Its commands, flags, exit codes and log are those of runc.`;

/** Of one command. */
export function commandHelp(command: CommandRow): string {
  const { name, usage, argsUsage, description } = command;
  const flags = command.flags.filter(({ hidden }) => hidden === undefined);
  return [
    `NAME:\n   ${PROGRAM} ${name} - ${usage}\n\n`,
    `USAGE:\n   ${PROGRAM} ${name}${flags.length > 0 ? " [command options]" : ""} ${argsUsage}\n`,
    ...(description === undefined ? [] : [`\nDESCRIPTION:\n   ${description}\n`]),
    ...(flags.length === 0 ? [] : [`\nOPTIONS:\n${flagLines(flags)}   \n`]),
  ].join("");
}

/** Of the program. */
export function programHelp(version: string): string {
  const names = [
    ...commands.map(({ name, usage }) => `   ${name}\t${usage}`),
    "   help, h\tShows a list of commands or help for one command",
  ];
  return [
    `NAME:\n   ${PROGRAM} - Open Container Initiative runtime\n\n${about}\n\n`,
    `USAGE:\n   ${PROGRAM} [global options] command [command options] [arguments...]\n\n`,
    `VERSION:\n   ${version}\n\n`,
    `COMMANDS:\n${alignColumns(names.join("\n"), columns)}\n\n`,
    `GLOBAL OPTIONS:\n${flagLines(globalFlags)}`,
  ].join("");
}

const flagLines = (flags: readonly FlagRow[]): string =>
  `${alignColumns(flags.map(describeFlag).join("\n"), columns)}\n`;

function describeFlag({ name, alias, kind, usage, default: standard }: FlagRow): string {
  const taken = kind === "switch" ? "" : " value";
  const names = [`--${name}${taken}`, ...(alias === undefined ? [] : [`-${alias}${taken}`])].join(", ");
  return `   ${names}\t${usage}${standard === undefined ? "" : ` (default: ${standard})`}`;
}
