// Flags as data. A flag is a value that knows its names, its help, and how to read the texts that were given for it.

import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseBinarySize, parseGoDuration, parseNanoCpus } from "#formats/units.ts";

export interface FlagHelp {
  /** One line of help; a flag without any is hidden. */
  readonly about?: string;
  readonly short?: string;
  /** The default, as help shows it. */
  readonly shown?: string;
  /** What help calls the value, if not the kind's usual word: "string", "list"; "" for switches. */
  readonly value?: string;
  /** Said when the flag is given: "use --timeout instead". */
  readonly deprecated?: string;
  /** Said when the short name is given. */
  readonly deprecatedShort?: string;
}

export interface Flag<T> extends FlagHelp {
  readonly name: string;
  readonly value: string;
  /** Taken when the flag stands without "=value"; undefined if a value is needed. */
  readonly implied?: string;
  /** All texts given, in order. Throws an Error in Go's words. */
  readonly read: (texts: readonly string[]) => T;
  /** Docker knows the flag and this version of Gantry does not: giving it is an error that names it. */
  readonly unsupported?: boolean;
}

export type AnyFlag = Flag<unknown>;

const last = (texts: readonly string[]): string | undefined => texts.at(-1);

function parseBoolean(text: string): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined)
    throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

/** In Go's words if it is none. */
export function parseInteger(text: string): number {
  const value = Number(text);
  if (/^[+-]?(\d+|0x[\da-f]+)$/i.test(text) && Number.isSafeInteger(value)) return value;
  throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export const toggle = (name: string, help: FlagHelp = {}): Flag<boolean> => ({
  name,
  ...help,
  value: "",
  implied: "true",
  read: (texts) => {
    const text = last(texts);
    return text === undefined ? help.shown === "true" : parseBoolean(text);
  },
});

/** The last text given, "" if none. */
export const text = (name: string, help: FlagHelp = {}): Flag<string> => ({
  name,
  value: "string",
  ...help,
  read: (texts) => last(texts) ?? help.shown ?? "",
});

/** The last text given, undefined if none: an empty text differs from no text. */
export const optionalText = (name: string, help: FlagHelp = {}): Flag<string | undefined> => ({
  name,
  value: "string",
  ...help,
  read: last,
});

export const list = (name: string, help: FlagHelp = {}): Flag<readonly string[]> => ({
  name,
  value: "list",
  ...help,
  read: (texts) => texts,
});

/** A list each of whose texts is converted when the command line is read. */
export const listOf = <T>(name: string, help: FlagHelp, parse: (text: string) => T): Flag<readonly T[]> => ({
  name,
  value: "list",
  ...help,
  read: (texts) => texts.map(parse),
});

/** A single value that is converted when the command line is read; undefined if not given. */
const parsed = <T>(
  name: string,
  help: FlagHelp & { readonly value: string },
  parse: (text: string) => T,
): Flag<T | undefined> => ({
  name,
  ...help,
  read: (texts) => {
    const given = last(texts);
    return given === undefined ? undefined : parse(given);
  },
});

export const integer = (name: string, help: FlagHelp = {}): Flag<number | undefined> =>
  parsed(name, { value: "int", ...help }, parseInteger);

/** "512m" in bytes; -1 stays (it means without limit). */
export const bytes = (name: string, help: FlagHelp = {}): Flag<number | undefined> =>
  parsed(name, { value: "bytes", ...help }, (given) => {
    if (given === "-1") return -1;
    const size = parseBinarySize(given);
    if (size === undefined) throw new Error(`invalid size: '${given}'`);
    return size;
  });

/** "1.5" in billionths. */
export const cpus = (name: string, help: FlagHelp = {}): Flag<number | undefined> =>
  parsed(name, { value: "decimal", ...help }, (given) => {
    const nano = parseNanoCpus(given);
    if (nano !== undefined) return nano;
    if (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(given)) throw new Error("value is too precise");
    throw new Error(`failed to parse ${given} as a rational number`);
  });

/** "1m30s" in nanoseconds. */
export const duration = (name: string, help: FlagHelp = {}): Flag<number | undefined> =>
  parsed(name, { value: "duration", ...help }, (given) => {
    const nanoseconds = parseGoDuration(given);
    if (nanoseconds === undefined) throw new Error(`time: invalid duration ${JSON.stringify(given)}`);
    return nanoseconds;
  });

/** Names that Docker knows and Gantry does not support: refused by name rather than called unknown. "gpus", "isolation". */
export const unsupportedFlags = (...names: readonly string[]): readonly AnyFlag[] =>
  names.map((name) => ({ name, value: "string", unsupported: true, read: () => undefined }));

/** "--name" or "-n, --name", as messages write a flag. */
export const flagTitle = (flag: AnyFlag): string =>
  flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
