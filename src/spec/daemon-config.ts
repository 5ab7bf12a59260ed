// The daemon's settings: flags and configuration file become one set of values, in dockerd's words where they contradict.

import { isRecord } from "#base/decode.ts";
import { invalid, unsupported } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { GivenFlags } from "./daemon-flags.ts";
import { type DaemonOption, daemonOptions, type OptionType } from "./daemon-options.table.ts";
import { decodeRuntimes, type RuntimePrograms } from "./daemon-runtimes.ts";

export interface DaemonSettings {
  readonly hosts: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidfile: string;
  readonly group: string;
  readonly debug: boolean;
  readonly logLevel: string;
  /** "" is the containerd layer in this process. */
  readonly containerd: string;
  readonly bip: string;
  readonly bridge: string;
  readonly mtu: number;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  /** Containers that do not say get an init. */
  readonly init: boolean;
  /** "" is the one that is built in. */
  readonly initPath: string;
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly labels: readonly string[];
  readonly logOptions: Readonly<Record<string, string>>;
  readonly runtimes: RuntimePrograms;
  readonly liveRestore: boolean;
  /** Seconds. */
  readonly shutdownTimeout: number;
}

/** A value by its option; lists are string lists, maps are records of strings. */
type Values = ReadonlyMap<DaemonOption, unknown>;

/** `file`: the configuration file's text, if there is one. Throws `invalid` in dockerd's words. */
export function decodeDaemonSettings(
  flags: GivenFlags,
  file: { readonly path: string; readonly text: string } | undefined,
): DaemonSettings {
  const fromFlags = readFlags(flags);
  const fromFile = file === undefined ? new Map() : withPath(file.path, () => readFile(file.text, fromFlags));
  const values: Values = new Map([...fromFile, ...fromFlags]);
  for (const [option, value] of values) refuseUnsupported(option, value, fromFlags.has(option));
  return toSettings(values);
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
    case "runtimes":
      return Object.fromEntries(given.map(splitPair).map(([name, path]) => [name, { path }]));
    default:
      return last;
  }
}

const splitPair = (text: string): readonly [string, string] => {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
};

function readBool(option: DaemonOption, text: string): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined) throw badFlag(option, text, "ParseBool");
  return value;
}

function readInt(option: DaemonOption, text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw badFlag(option, text, "ParseInt");
  return Number(text);
}

const badFlag = (option: DaemonOption, text: string, parser: string): Error =>
  invalid(
    `invalid argument "${text}" for "${flagName(option)}" flag: strconv.${parser}: parsing "${text}": invalid syntax`,
  );

const flagName = ({ flag, shorthand }: DaemonOption): string =>
  shorthand === undefined ? `--${flag}` : `-${shorthand}, --${flag}`;

function readFile(text: string, flags: Values): Values {
  if (text.trim() === "") return new Map();
  const parsed = parseGoJson(text);
  if (parsed.kind === "error") throw invalid(parsed.message);
  if (parsed.kind !== "value") throw invalid("invalid character after top-level value");
  if (!isRecord(parsed.value)) throw invalid("json: cannot unmarshal into Go value of type config.Config");
  const file = parsed.value;
  const unknown = Object.keys(file).filter((key) => !daemonOptions.some((option) => option.key === key));
  if (unknown.length > 0)
    throw invalid(`the following directives don't match any configuration option: ${unknown.join(", ")}`);
  const conflicts = [...flags].filter(([{ key }]) => key !== undefined && key in file);
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
  runtimes: "map[string]system.Runtime",
};

function checkType(option: DaemonOption, value: unknown): unknown {
  if (hasType(option, value)) return value;
  const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  throw invalid(
    `json: cannot unmarshal ${kind} into Go struct field Config.${option.key} of type ${goTypes[option.type]}`,
  );
}

function hasType({ type, supported }: DaemonOption, value: unknown): boolean {
  switch (type) {
    case "int":
      return Number.isSafeInteger(value);
    case "bool":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "list":
      return isStringList(value) || (!supported && Array.isArray(value));
    case "runtimes":
      return isRecord(value);
    case "map":
      return isStringRecord(value) || (!supported && isRecord(value));
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
  const items = Array.isArray(value) ? value : isRecord(value) ? Object.keys(value) : [value];
  if (items.every(neutral)) return;
  throw unsupported(isFlag ? `--${option.flag}` : `the configuration key "${option.key}"`);
}

/** A flag without a key in the file ("--version"); undefined if it was not given. */
export function flagValue(flags: GivenFlags, name: string): string | undefined {
  for (const [option, given] of flags) if (option.flag === name) return given.at(-1);
  return undefined;
}

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"];

function toSettings(values: Values): DaemonSettings {
  const byFlag = new Map([...values].map(([option, value]) => [option.flag ?? "", value]));
  const text = (flag: string, byDefault: string): string => {
    const value = byFlag.get(flag);
    return typeof value === "string" && value !== "" ? value : byDefault;
  };
  const list = (flag: string): readonly string[] => {
    const value = byFlag.get(flag);
    return isStringList(value) ? value : [];
  };
  const number = (flag: string, byDefault: number): number => {
    const value = byFlag.get(flag);
    return typeof value === "number" ? value : byDefault;
  };
  const logOptions = byFlag.get("log-opt");
  const execRoot = text("exec-root", "/run/gantry");
  const hosts = list("host");
  const settings: DaemonSettings = {
    hosts: hosts.length === 0 ? [`unix://${execRoot}/docker.sock`] : hosts,
    dataRoot: text("data-root", "/var/lib/gantry"),
    execRoot,
    pidfile: text("pidfile", `${execRoot}/gantryd.pid`),
    group: text("group", "docker"),
    debug: byFlag.get("debug") === true,
    logLevel: text("log-level", "info"),
    containerd: text("containerd", ""),
    bip: text("bip", ""),
    bridge: text("bridge", ""),
    mtu: number("mtu", 1500),
    dns: list("dns"),
    dnsOptions: list("dns-opt"),
    dnsSearch: list("dns-search"),
    init: byFlag.get("init") === true,
    initPath: text("init-path", ""),
    insecureRegistries: list("insecure-registry"),
    registryMirrors: list("registry-mirror"),
    labels: list("label"),
    logOptions: isStringRecord(logOptions) ? logOptions : {},
    runtimes: decodeRuntimes(byFlag.get("add-runtime") ?? {}),
    liveRestore: byFlag.get("live-restore") === true,
    shutdownTimeout: number("shutdown-timeout", 15),
  };
  checkValues(settings);
  return settings;
}

function checkValues(settings: DaemonSettings): void {
  if (!logLevels.includes(settings.logLevel)) throw invalid(`invalid logging level: ${settings.logLevel}`);
  if (settings.mtu < 0) throw invalid(`invalid default MTU: ${settings.mtu}`);
  if (settings.bip !== "" && settings.bridge !== "" && settings.bridge !== "none")
    throw invalid("You specified -b & --bip, mutually exclusive options. Please specify only one.");
  for (const label of settings.labels)
    if (!label.includes("=")) throw invalid(`bad attribute format: ${label}`);
  for (const address of settings.dns)
    if (!/^[0-9a-fA-F:.]+$/.test(address)) throw invalid(`IP address is not correctly formatted: ${address}`);
}
