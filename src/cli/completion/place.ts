// Where in a command line the cursor is: which command its words name, and what the last, unfinished word is to become.

import { globalFlags } from "../connection.ts";
import type { Command } from "../grammar/command.ts";
import type { AnyFlag } from "../grammar/flags.ts";
import type { CommandTree, Entry } from "../grammar/tree.ts";

interface Verb {
  readonly entry: Entry;
  readonly command: Command;
}

export type Place =
  /** The name of a command; within a group, or at the top. */
  | { readonly kind: "command"; readonly group: string | undefined; readonly word: string }
  | { readonly kind: "flag"; readonly flags: readonly AnyFlag[]; readonly word: string }
  | {
      readonly kind: "value";
      readonly verb: Verb | undefined;
      readonly flag: AnyFlag;
      readonly word: string;
      /** What stands before the value in the same word: "--network=". */
      readonly before: string;
    }
  /** `given`: the arguments before it. */
  | {
      readonly kind: "argument";
      readonly verb: Verb;
      readonly given: readonly string[];
      readonly word: string;
    }
  | { readonly kind: "nowhere" };

interface Walk {
  /** The flag whose value the last word is. */
  readonly open: AnyFlag | undefined;
  readonly given: readonly string[];
  /** Only arguments follow. */
  readonly ended: boolean;
  readonly taken: number;
}

function flagOf(word: string, flags: readonly AnyFlag[]): AnyFlag | undefined {
  if (word.startsWith("--")) return flags.find(({ name }) => `--${name}` === word.split("=")[0]);
  for (const [at, letter] of [...word.slice(1)].entries()) {
    const flag = flags.find(({ short }) => short === letter);
    if (flag === undefined) return undefined;
    if (flag.implied === undefined) return at === word.length - 2 ? flag : undefined; // "-uroot" has its value
  }
  return undefined;
}

/** Reads finished words; `untilArgument` stops before the first argument. */
function walk(words: readonly string[], flags: readonly AnyFlag[], stop: "argument" | "end"): Walk {
  const given: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--")
      return { open: undefined, given: [...given, ...words.slice(at + 1)], ended: true, taken: at };
    if (!word.startsWith("-") || word === "-") {
      if (stop === "argument") return { open: undefined, given, ended: false, taken: at };
      given.push(word);
      continue;
    }
    const flag = flagOf(word, flags);
    if (flag === undefined || flag.implied !== undefined || word.includes("=")) continue;
    at++;
    if (at >= words.length) return { open: flag, given, ended: false, taken: at };
  }
  return { open: undefined, given, ended: false, taken: words.length };
}

function flagPlace(word: string, flags: readonly AnyFlag[], verb: Verb | undefined): Place {
  const equals = word.indexOf("=");
  if (equals < 0) return { kind: "flag", flags, word };
  const flag = flagOf(word, flags);
  if (flag === undefined) return { kind: "nowhere" };
  return { kind: "value", verb, flag, word: word.slice(equals + 1), before: word.slice(0, equals + 1) };
}

async function placeInCommand(entry: Entry, finished: readonly string[], word: string): Promise<Place> {
  const { command } = await entry.load();
  const verb = { entry, command };
  const { open, given, ended } = walk(finished, command.flags, "end");
  if (open !== undefined) return { kind: "value", verb, flag: open, word, before: "" };
  const passes = command.passThrough === true && given.length > 0;
  if (word.startsWith("-") && !ended && !passes) return flagPlace(word, command.flags, verb);
  return { kind: "argument", verb, given, word };
}

/** `words` without the program's name; the last is unfinished, "" if nothing of it is written. */
export async function findPlace({ entries, groups }: CommandTree, words: readonly string[]): Promise<Place> {
  const word = words.at(-1) ?? "";
  const finished = words.slice(0, -1);
  const { open, taken } = walk(finished, globalFlags, "argument");
  if (open !== undefined) return { kind: "value", verb: undefined, flag: open, word, before: "" };
  const [first, second] = finished.slice(taken);
  if (first === undefined)
    return word.startsWith("-")
      ? flagPlace(word, globalFlags, undefined)
      : { kind: "command", group: undefined, word };
  if (first === "help") return { kind: "command", group: second, word };
  const direct = entries.find(({ names }) => names.includes(first));
  if (direct !== undefined) return await placeInCommand(direct, finished.slice(taken + 1), word);
  if (!groups.some(({ name }) => name === first)) return { kind: "nowhere" };
  if (second === undefined) return { kind: "command", group: first, word };
  const entry = entries.find(({ names }) => names.includes(`${first} ${second}`));
  return entry === undefined
    ? { kind: "nowhere" }
    : await placeInCommand(entry, finished.slice(taken + 2), word);
}
