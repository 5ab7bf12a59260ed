// Usage and help texts, wrapped to the terminal's width as Docker's are.

import type { Command } from "./command.ts";
import type { AnyFlag } from "./flags.ts";

const HELP_WIDTH = 80;

export const usageLine = (path: string, usage: string): string => `Usage:  ${path} ${usage}`.trimEnd();

const head = (flag: AnyFlag): string => {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.value === "" ? "" : ` ${flag.value}`;
  return `  ${short}--${flag.name}${value}`;
};

const defaultOf = (flag: AnyFlag): string => {
  if (flag.shown === undefined || flag.shown === "") return "";
  return flag.value === "string" ? ` (default "${flag.shown}")` : ` (default ${flag.shown})`;
};

/** A line may be this much longer than the width, if it is the last of its text. */
const SLOP = 5;

/** Lines of at most `width - SLOP`, as Go's pflag breaks them: an end that fits into `width` is not broken. */
function wrap(text: string, width: number): string[] {
  const room = width - SLOP;
  const lines: string[] = [];
  let rest = text;
  while (rest.length >= width) {
    const head = rest.slice(0, room);
    const space = Math.max(head.lastIndexOf(" "), head.lastIndexOf("\n"));
    if (space <= 0) break;
    const newline = head.lastIndexOf("\n");
    const end = newline > 0 && newline < space ? newline : space;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end + 1);
  }
  return [...lines, rest].flatMap((line) => line.split("\n"));
}

/** The block under "Options:". */
export function flagUsages(flags: readonly AnyFlag[], width = HELP_WIDTH): string {
  const shown = flags
    .filter((flag) => flag.about !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const indent = Math.max(...shown.map((flag) => head(flag).length)) + 3;
  return shown
    .map((flag) => {
      const lines = wrap(`${flag.about ?? ""}${defaultOf(flag)}`, Math.max(24, width - indent - 1));
      return head(flag).padEnd(indent) + lines.join(`\n${" ".repeat(indent)}`);
    })
    .join("\n");
}

export interface CommandLine {
  readonly name: string;
  readonly about: string;
}

/** Lines "  name   what it does". */
export function commandUsages(commands: readonly CommandLine[]): string {
  const width = Math.max(11, ...commands.map(({ name }) => name.length)) + 1;
  return commands.map(({ name, about }) => `  ${name.padEnd(width)}${about}`).join("\n");
}

/** The help of a command; `path` is how it was called. */
export function commandHelp(path: string, command: Command, aliases: readonly string[]): string {
  const parts = [usageLine(path, command.usage), command.about];
  if (aliases.length > 1) parts.push(`Aliases:\n  ${aliases.join(", ")}`);
  if (command.flags.some((flag) => flag.about !== undefined))
    parts.push(`Options:\n${flagUsages(command.flags)}`);
  return `${parts.join("\n\n")}\n`;
}
