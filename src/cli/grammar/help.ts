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

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

/** The block under "Options:". */
export function flagUsages(flags: readonly AnyFlag[], width = HELP_WIDTH): string {
  const shown = flags
    .filter((flag) => flag.about !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const indent = Math.max(...shown.map((flag) => head(flag).length)) + 3;
  return shown
    .map((flag) => {
      const lines = wrap(`${flag.about ?? ""}${defaultOf(flag)}`, Math.max(24, width - indent));
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
