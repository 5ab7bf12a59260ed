// runc's command line: global flags, a verb, its flags, its arguments. One dash or two, the value in the next word or after "=".

import { EngineError, unsupported } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseGoDuration } from "#formats/units.ts";
import { type CommandRow, commands, type FlagKind, type FlagRow, globalFlags } from "./commands.table.ts";

/** Values given, by the flag's long name; a switch has "true" or "false". */
export type Given = ReadonlyMap<string, readonly string[]>;

export interface CommandLine {
  readonly globals: Given;
  /** "" when there is none. */
  readonly verb: string;
  readonly given: Given;
  readonly args: readonly string[];
}

/** Words that are no command line: help is shown with the message. */
export class UsageError extends EngineError {
  /** Undefined where the words before the verb are wrong. */
  readonly command: CommandRow | undefined;
  /** What stands above the help. */
  readonly headline: string;

  constructor(message: string, headline: string, command: CommandRow | undefined) {
    super("invalid", message);
    this.headline = headline;
    this.command = command;
  }
}

/** No such command. */
export class UnknownCommand extends EngineError {
  constructor(name: string) {
    super("invalid", `No help topic for '${name}'\n`);
  }
}

interface Words {
  readonly given: Given;
  readonly rest: readonly string[];
}

export const readGlobals = (words: readonly string[]): Words =>
  readFlags(
    words,
    globalFlags,
    (message) => new UsageError(message, `Incorrect Usage. ${message}`, undefined),
  );

export function findCommand(name: string): CommandRow {
  const command = commands.find((row) => row.name === name);
  if (command === undefined) throw new UnknownCommand(name);
  return command;
}

export function readVerb([name = "", ...words]: readonly string[]): Omit<CommandLine, "globals"> {
  if (name === "") return { verb: "", given: new Map(), args: [] };
  if (name === "help" || name === "h") return { verb: "help", given: new Map(), args: words };
  const command = findCommand(name);
  const flags = [...command.flags, helpFlag];
  const ordered = command.keepsOrder ? words : flagsFirst(words, flags);
  const { given, rest: args } = readFlags(
    ordered,
    flags,
    (message) => new UsageError(message, `Incorrect Usage: ${message}`, command),
  );
  if (isOn(given, "help")) return { verb: "help", given, args: [name] };
  checkCount(command, args.length);
  return { verb: name, given, args };
}

const helpFlag: FlagRow = { name: "help", alias: "h", kind: "switch", usage: "show help" };

function checkCount(command: CommandRow, count: number): void {
  const { name, least, most } = command;
  if (count >= least && count <= most) return;
  const wanted =
    least === most
      ? `requires exactly ${least} argument(s)`
      : count < least
        ? `requires a minimum of ${least} argument(s)`
        : `requires a maximum of ${most} argument(s)`;
  throw new UsageError(`gantry-runc: "${name}" ${wanted}`, "Incorrect Usage.", command);
}

/** Known flags may follow the arguments, up to "--"; each takes the word after it along. */
function flagsFirst(words: readonly string[], flags: readonly FlagRow[]): readonly string[] {
  const end = words.indexOf("--");
  const free = end === -1 ? words : words.slice(0, end);
  const first: string[] = [];
  const rest: string[] = [];
  let takesNext = false;
  for (const word of free) {
    const isFlag = findFlag(flags, word) !== undefined;
    (isFlag || takesNext ? first : rest).push(word);
    takesNext = isFlag && !word.includes("=");
  }
  return [...first, ...rest, ...words.slice(free.length)];
}

const findFlag = (flags: readonly FlagRow[], word: string): FlagRow | undefined => {
  const typed = /^--?([^-=][^=]*)/.exec(word)?.[1];
  return flags.find(({ name, alias }) => name === typed || (alias !== undefined && alias === typed));
};

type Fail = (message: string) => UsageError;

/** Flags stand before the first argument; "--" ends them. */
function readFlags(words: readonly string[], flags: readonly FlagRow[], fail: Fail): Words {
  const given = new Map<string, string[]>();
  let at = 0;
  for (let word = words[at]; word !== undefined && /^-./.test(word); word = words[at]) {
    at++;
    if (word === "--") break;
    const [, typed = "", value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = findFlag(flags, word);
    if (flag === undefined) throw fail(`flag provided but not defined: -${typed}`);
    const taken = value ?? (flag.kind === "switch" ? "true" : words[at++]);
    if (taken === undefined) throw fail(`flag needs an argument: -${typed}`);
    append(given, flag.name, readFlag(flag, { typed, taken }, fail));
  }
  return { given, rest: words.slice(at) };
}

function readFlag(
  flag: FlagRow,
  { typed, taken }: { readonly typed: string; readonly taken: string },
  fail: Fail,
): string {
  if (flag.refused) throw unsupported(`--${flag.name}`);
  const read = readValue[flag.kind](taken);
  if (read === undefined) throw fail(describeBadValue(flag, typed, taken));
  return read;
}

function append(given: Map<string, string[]>, name: string, value: string): void {
  given.set(name, [...(given.get(name) ?? []), value]);
}

const asIs = (text: string): string => text;

/** The value in its plain form; undefined if the kind has no such value. */
const readValue: Readonly<Record<FlagKind, (text: string) => string | undefined>> = {
  switch: (text) => parseGoBoolean(text)?.toString(),
  value: asIs,
  values: asIs,
  integer: (text) => (/^[+-]?\d+$/.test(text) ? String(BigInt(text.replace("+", ""))) : undefined),
  duration: (text) => (parseGoDuration(text) === undefined ? undefined : text),
};

const describeBadValue = ({ kind }: FlagRow, typed: string, value: string): string =>
  kind === "switch"
    ? `invalid boolean value "${value}" for -${typed}: parse error`
    : `invalid value "${value}" for flag -${typed}: parse error`;

export const lastOf = (given: Given, name: string): string | undefined => given.get(name)?.at(-1);
export const isOn = (given: Given, name: string): boolean => lastOf(given, name) === "true";
