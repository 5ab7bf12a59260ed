// gantryd's command line by the rules of pflag: --name value, --name=value, -n value, -nvalue, clusters of -D -v as -Dv.

import { invalid } from "#base/errors.ts";
import { type DaemonOption, daemonOptions } from "./daemon-options.table.ts";

/** Each given flag with its values in order. */
export type GivenFlags = ReadonlyMap<DaemonOption, readonly string[]>;

/** Throws `invalid` with pflag's words. */
export function parseDaemonFlags(args: readonly string[]): GivenFlags {
  const given = new Map<DaemonOption, readonly string[]>();
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument.startsWith("--") && argument !== "--") readLong(argument.slice(2), rest, given);
    else if (argument.startsWith("-") && argument.length > 1 && argument !== "--")
      readShort(argument.slice(1), rest, given);
    else if (argument !== "--") throw invalid(`unknown command: gantryd ${argument}`);
  }
  return given;
}

type Given = Map<DaemonOption, readonly string[]>;

function add(given: Given, option: DaemonOption, value: string): void {
  given.set(option, [...(given.get(option) ?? []), value]);
}

function readLong(text: string, rest: string[], given: Given): void {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  const option = daemonOptions.find(({ flag }) => flag === name);
  if (option === undefined) throw invalid(`unknown flag: --${name}`);
  if (at >= 0) add(given, option, text.slice(at + 1));
  else if (option.type === "bool") add(given, option, "true");
  else add(given, option, takeValue(rest, `--${name}`));
}

function readShort(cluster: string, rest: string[], given: Given): void {
  for (let at = 0; at < cluster.length; at++) {
    const letter = cluster[at] ?? "";
    const option = daemonOptions.find(({ shorthand }) => shorthand === letter);
    if (option === undefined) throw invalid(`unknown shorthand flag: '${letter}' in -${cluster.slice(at)}`);
    const tail = cluster.slice(at + 1);
    if (option.type === "bool" && !tail.startsWith("=")) add(given, option, "true");
    else {
      const attached = tail === "" ? takeValue(rest, `'${letter}' in -${cluster.slice(at)}`) : tail;
      add(given, option, attached.replace(/^=/, ""));
      return;
    }
  }
}

function takeValue(rest: string[], flag: string): string {
  const value = rest.shift();
  if (value === undefined) throw invalid(`flag needs an argument: ${flag}`);
  return value;
}
