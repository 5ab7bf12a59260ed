// Flags and configuration file become one set of values, in dockerd's words where they contradict.

import { isRecord } from "#base/decode.ts";
import { EngineError, invalid, isKind, prefixed, unsupported } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseGoJson } from "#formats/go-json.ts";
import { type NetworkOptions, parseAddressPool, parseNetworkOption } from "./daemon-bridge.ts";
import type { GivenFlags } from "./daemon-flags.ts";
import { type DaemonOption, daemonOptions, type OptionType } from "./daemon-options.table.ts";
import { type DaemonSettings, toSettings } from "./daemon-settings.ts";

/** A value by its option; lists are string lists, maps are records of strings. */
export type Values = ReadonlyMap<DaemonOption, unknown>;

/** `file`: the configuration file's text, if there is one. Throws `invalid` in dockerd's words. */
export function decodeDaemonSettings(
  flags: GivenFlags,
  file: { readonly path: string; readonly text: string } | undefined,
): DaemonSettings {
  const fromFlags = readFlags(flags);
  if (file === undefined) return settle(fromFlags, fromFlags);
  return withPath(file.path, () => {
    const fromFile = readFile(file.text, fromFlags);
    try {
      return settle(merge(fromFile, fromFlags), fromFlags);
    } catch (error) {
      if (!isKind(error, "invalid") || !(error instanceof EngineError)) throw error;
      throw prefixed("merged configuration validation from file and command line flags failed: ", error);
    }
  });
}

function settle(values: Values, fromFlags: Values): DaemonSettings {
  for (const [option, value] of values) refuseUnsupported(option, value, fromFlags.has(option));
  return toSettings(new Map([...values].map(([{ flag, key = "" }, value]) => [flag ?? key, value])));
}

/** Runtimes may come from both. */
function merge(fromFile: Values, fromFlags: Values): Values {
  const merged = new Map([...fromFile, ...fromFlags]);
  for (const [option, value] of fromFile)
    if (option.type === "runtimes" && isRecord(value)) {
      const given = fromFlags.get(option);
      merged.set(option, { ...value, ...(isRecord(given) ? given : {}) });
    }
  return merged;
}

function withPath<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(`unable to configure the Docker daemon with file ${path}: ${message}`, { cause: error });
  }
}

const readFlags = (flags: GivenFlags): Values =>
  new Map([...flags].map(([option, given]) => [option, readFlag(option, given)]));

function readFlag(option: DaemonOption, given: readonly string[]): unknown {
  const last = given.at(-1) ?? "";
  switch (option.type) {
    case "bool":
      return readBool(option, last);
    case "int":
      return readInt(option, last);
    case "list":
      return given.flatMap((text) => (option.key === "hosts" ? [text] : text.split(",")));
    case "map":
      return Object.fromEntries(given.map(splitPair));
    case "bools":
      return Object.fromEntries(
        given.map(splitPair).map(([name, truth]) => [name, readBool(option, truth || "true")]),
      );
    case "runtimes":
      return Object.fromEntries(given.map(splitPair).map(([name, path]) => [name, { path }]));
    case "ulimits":
      return readUlimits(option, given);
    case "pools":
      return given.map(parseAddressPool);
    case "maps":
      return mergeOptions(given.map(parseNetworkOption));
    default:
      return last;
  }
}

const splitPair = (text: string): readonly [string, string] => {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
};

function mergeOptions(given: readonly NetworkOptions[]): NetworkOptions {
  const merged: Record<string, Readonly<Record<string, string>>> = {};
  for (const options of given)
    for (const [driver, its] of Object.entries(options)) merged[driver] = { ...merged[driver], ...its };
  return merged;
}

function readBool(option: DaemonOption, text: string): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined) throw badFlag(option, text, "ParseBool");
  return value;
}

function readInt(option: DaemonOption, text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw badFlag(option, text, "ParseInt");
  return Number(text);
}

function readUlimits(option: DaemonOption, given: readonly string[]): unknown {
  return Object.fromEntries(
    given.map((text) => {
      const [, name = "", soft = "", hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
      if (name === "")
        throw invalid(
          `invalid argument "${text}" for "${flagName(option)}" flag: invalid ulimit argument: ${text}`,
        );
      return [name, { Name: name, Soft: Number(soft), Hard: Number(hard) }];
    }),
  );
}

const badFlag = (option: DaemonOption, text: string, parser: string): Error =>
  invalid(
    `invalid argument "${text}" for "${flagName(option)}" flag: strconv.${parser}: parsing "${text}": invalid syntax`,
  );

const flagName = ({ flag, shorthand }: DaemonOption): string =>
  shorthand === undefined ? `--${flag}` : `-${shorthand}, --${flag}`;

function readFile(text: string, flags: Values): Values {
  if (text.trim() === "") return new Map();
  const file = flatten(parseFile(text));
  const unknown = Object.keys(file).filter((key) => !daemonOptions.some((option) => option.key === key));
  if (unknown.length > 0)
    throw invalid(`the following directives don't match any configuration option: ${unknown.join(", ")}`);
  const conflicts = [...flags].filter(
    ([{ key, type }]) => key !== undefined && key in file && type !== "runtimes",
  );
  if (conflicts.length > 0) {
    const told = conflicts.map(
      ([{ key = "" }, value]) => `${key}: (from flag: ${show(value)}, from file: ${show(file[key])})`,
    );
    throw invalid(
      `the following directives are specified both as a flag and in the configuration file: ${told.join(", ")}`,
    );
  }
  return new Map(
    daemonOptions
      .filter(({ key }) => key !== undefined && file[key] !== undefined && file[key] !== null)
      .map((option) => [option, checkType(option, file[option.key ?? ""])]),
  );
}

function parseFile(text: string): Readonly<Record<string, unknown>> {
  const parsed = parseGoJson(text);
  if (parsed.kind === "error") throw invalid(`invalid JSON: ${parsed.message}`);
  if (parsed.kind !== "value") throw invalid("invalid JSON: invalid character after top-level value");
  if (!isRecord(parsed.value))
    throw invalid(
      `invalid JSON: json: cannot unmarshal ${goKind(parsed.value)} into Go value of type map[string]interface {}`,
    );
  return parsed.value;
}

/** The keys of `proxies` count as if they stood outside. */
function flatten(file: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { proxies, ...rest } = file;
  return isRecord(proxies) ? { ...rest, ...proxies } : file;
}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

/** As Go's %v prints it. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(" ")}]`;
  if (isRecord(value))
    return `map[${Object.entries(value)
      .map(([key, item]) => `${key}:${show(item)}`)
      .join(" ")}]`;
  return String(value);
}

const goTypes: Readonly<Record<OptionType, string>> = {
  string: "string",
  bool: "bool",
  int: "int",
  list: "[]string",
  map: "map[string]string",
  maps: "map[string]map[string]string",
  bools: "map[string]bool",
  runtimes: "map[string]system.Runtime",
  size: "opts.MemBytes",
  ulimits: "map[string]*container.Ulimit",
  pools: "[]*ipamutils.NetworkToSplit",
};

function checkType(option: DaemonOption, value: unknown): unknown {
  if (hasType(option, value)) return value;
  throw invalid(
    `invalid JSON: json: cannot unmarshal ${goKind(value)} into Go struct field Config.${option.key} of type ${goTypes[option.type]}`,
  );
}

function hasType({ type, supported }: DaemonOption, value: unknown): boolean {
  switch (type) {
    case "int":
      return Number.isSafeInteger(value);
    case "bool":
      return typeof value === "boolean";
    case "string":
    case "size":
      return typeof value === "string";
    case "list":
      return isStringList(value) || (!supported && Array.isArray(value));
    case "pools":
      return Array.isArray(value);
    case "runtimes":
    case "ulimits":
      return isRecord(value);
    case "bools":
      return isRecord(value) && Object.values(value).every((item) => typeof item === "boolean");
    case "map":
      return isStringRecord(value) || (!supported && isRecord(value));
    case "maps":
      return isRecord(value) && Object.values(value).every(isStringRecord);
    default:
      return type satisfies never;
  }
}

const isStringList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
const isStringRecord = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((item) => typeof item === "string");

function refuseUnsupported(option: DaemonOption, value: unknown, isFlag: boolean): void {
  if (option.supported) return;
  const neutral = (item: unknown): boolean => (option.neutral ?? []).includes(item);
  const pairs = (record: Readonly<Record<string, unknown>>): readonly string[] =>
    Object.entries(record).map(([name, item]) => `${name}=${String(item)}`);
  const items = Array.isArray(value) ? value : isRecord(value) ? pairs(value) : [value];
  if (items.every(neutral)) return;
  throw unsupported(isFlag ? `--${option.flag}` : `the configuration key "${option.key}"`);
}

/** A flag without a key in the file ("--version"); undefined if it was not given. */
export function flagValue(flags: GivenFlags, name: string): string | undefined {
  for (const [option, given] of flags) if (option.flag === name) return given.at(-1);
  return undefined;
}
