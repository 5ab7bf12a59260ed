// The command line as Docker's client reads it (the grammar of the pflag library):
//
//   -itd            cluster of switches; the last may take a value: -itu root, -uroot, -u=root
//   --flag=value    --flag value; a switch takes a value only after "="
//   --              ends the flags
//   interspersed    flags may follow arguments, unless the command ends them at its first argument (run, exec)

import { FlagError } from "./errors.ts";
import { type AnyFlag, type Flag, flagTitle } from "./flags.ts";

export interface ParsedLine {
  readonly arguments: readonly string[];
  /** The value of a flag: what was given, or its default. */
  readonly option: <T>(flag: Flag<T>) => T;
  readonly isGiven: (flag: AnyFlag) => boolean;
  /** What the user should know of the flags that were given. */
  readonly notices: readonly string[];
}

export interface Grammar {
  readonly flags: readonly AnyFlag[];
  readonly interspersed: boolean;
}

interface Reading {
  readonly positional: readonly string[];
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly notices: readonly string[];
}

class Reader {
  readonly #flags: readonly AnyFlag[];
  readonly #given = new Map<string, string[]>();
  readonly #rest: string[];
  readonly #notices = new Set<string>();

  constructor(flags: readonly AnyFlag[], words: readonly string[]) {
    this.#flags = flags;
    this.#rest = [...words];
  }

  read(interspersed: boolean): Reading {
    const positional: string[] = [];
    for (let word = this.#rest.shift(); word !== undefined; word = this.#rest.shift()) {
      if (word === "--") {
        positional.push(...this.#rest);
        break;
      }
      if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#cluster(word);
      else {
        positional.push(word);
        if (interspersed) continue;
        positional.push(...this.#rest);
        break;
      }
    }
    return { positional, given: this.#given, notices: [...this.#notices] };
  }

  #long(word: string): void {
    const [, name = "", value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${word}`);
    const flag = this.#flags.find((candidate) => candidate.name === name);
    if (flag === undefined) throw new FlagError(`unknown flag: --${name}`);
    refuseUnsupported(flag);
    this.#set(flag, value ?? flag.implied ?? this.#next(`flag needs an argument: --${name}`));
  }

  #cluster(word: string): void {
    for (let letters = word.slice(1); letters !== ""; ) {
      const letter = String.fromCodePoint(letters.codePointAt(0) ?? 0);
      const rest = letters.slice(letter.length);
      const flag = this.#flags.find((candidate) => candidate.short === letter);
      if (flag === undefined) throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters}`);
      refuseUnsupported(flag);
      if (flag.deprecatedShort !== undefined)
        this.#notices.add(`Flag shorthand -${letter} has been deprecated, ${flag.deprecatedShort}`);
      const takesRest = rest.startsWith("=") || flag.implied === undefined;
      this.#set(flag, this.#valueInCluster(flag, letters, rest));
      letters = takesRest ? "" : rest;
    }
  }

  #valueInCluster(flag: AnyFlag, letters: string, rest: string): string {
    if (rest.startsWith("=")) return rest.slice(1);
    if (flag.implied !== undefined) return flag.implied;
    return rest === "" ? this.#next(`flag needs an argument: '${flag.short}' in -${letters}`) : rest;
  }

  #next(missing: string): string {
    const value = this.#rest.shift();
    if (value === undefined) throw new FlagError(missing);
    return value;
  }

  #set(flag: AnyFlag, value: string): void {
    if (flag.deprecated !== undefined)
      this.#notices.add(`Flag --${flag.name} has been deprecated, ${flag.deprecated}`);
    try {
      flag.read([value]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new FlagError(
        `invalid argument ${JSON.stringify(value)} for "${flagTitle(flag)}" flag: ${reason}`,
        {
          cause: error,
        },
      );
    }
    this.#given.set(flag.name, [...(this.#given.get(flag.name) ?? []), value]);
  }
}

function refuseUnsupported(flag: AnyFlag): void {
  if (flag.unsupported) throw new FlagError(`--${flag.name} is not supported by this version of Gantry`);
}

/** Throws FlagError in Docker's words; every given value has been read once when it returns. */
export function parseLine(grammar: Grammar, words: readonly string[]): ParsedLine {
  const { positional, given, notices } = new Reader(grammar.flags, words).read(grammar.interspersed);
  return {
    arguments: positional,
    option: (flag) => flag.read(given.get(flag.name) ?? []),
    isGiven: (flag) => given.has(flag.name),
    notices,
  };
}
