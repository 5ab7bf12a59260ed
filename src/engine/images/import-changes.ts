// The `changes` of an import or commit: Dockerfile instructions that set what containers start with.

import { invalid } from "#base/errors.ts";
import { parseGoDuration } from "#formats/units.ts";
import type { ImageDefaults } from "#spec/oci-image.ts";

type Apply = (config: ImageDefaults, text: string) => ImageDefaults;

/** Rejects `invalid` for an instruction that is not one of Docker's. */
export function applyChanges(changes: readonly string[], config: ImageDefaults = {}): ImageDefaults {
  const lines = changes.flatMap((change) => change.split("\n"));
  const { Cmd, ...changed } = lines.reduce(applyChange, config);
  // A new entry point makes the command of the old one meaningless.
  const stale = has(lines, "entrypoint") && !has(lines, "cmd");
  return Cmd === undefined || stale ? changed : { ...changed, Cmd };
}

const has = (lines: readonly string[], word: string): boolean =>
  lines.some((line) => words(line.trim())[0]?.toLowerCase() === word);

function applyChange(config: ImageDefaults, change: string): ImageDefaults {
  const line = change.trim();
  if (line === "" || line.startsWith("#")) return config;
  const [, word = "", text = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  const apply = instructions[word.toLowerCase()];
  if (apply === undefined) throw invalid(`${word.toLowerCase()} is not a valid change command`);
  if (text === "" && !["cmd", "entrypoint"].includes(word.toLowerCase()))
    throw invalid(
      `${word.toUpperCase()} requires ${takesOne.has(word.toLowerCase()) ? "exactly" : "at least"} one argument`,
    );
  return apply(config, text);
}

const takesOne: ReadonlySet<string> = new Set(["stopsignal", "user", "workdir"]);

const instructions: Readonly<Record<string, Apply>> = {
  cmd: (config, text) => ({ ...config, Cmd: parseCommand(text, config) }),
  entrypoint: ({ Entrypoint: _, ...config }, text) =>
    text === "" ? config : { ...config, Entrypoint: parseCommand(text, config) },
  env: (config, text) => ({ ...config, Env: mergeEnv(config.Env ?? [], parsePairs(text, "ENV")) }),
  label: (config, text) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs(text, "LABEL")) },
  }),
  expose: (config, text) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...keys(parsePorts(text)) },
  }),
  volume: (config, text) => ({
    ...config,
    Volumes: { ...config.Volumes, ...keys(parseJsonList(text) ?? splitQuoted(text)) },
  }),
  user: (config, text) => ({ ...config, User: text }),
  workdir: (config, text) => ({ ...config, WorkingDir: joinPath(config.WorkingDir ?? "/", text) }),
  stopsignal: (config, text) => ({ ...config, StopSignal: text }),
  onbuild: (config, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), parseTrigger(text)] }),
  healthcheck: (config, text) => ({ ...config, Healthcheck: parseHealthcheck(text) }),
};

const keys = (names: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(names.map((name) => [name, {}]));

const words = (text: string): readonly string[] => text.split(/\s+/);

function parseTrigger(text: string): string {
  const word = (words(text)[0] ?? "").toUpperCase();
  if (word === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === "FROM" || word === "MAINTAINER") throw invalid(`${word} isn't allowed as an ONBUILD trigger`);
  return text;
}

/** A JSON list of strings is the command itself, anything else a line for the shell. */
function parseCommand(text: string, config: ImageDefaults): readonly string[] {
  return parseJsonList(text) ?? [...(config.Shell ?? ["/bin/sh", "-c"]), ...(text === "" ? [] : [text])];
}

function parseJsonList(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function mergeEnv(
  before: readonly string[],
  added: readonly (readonly [string, string])[],
): readonly string[] {
  const result = new Map(before.map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))), pair]));
  for (const [name, value] of added) result.set(name, `${name}=${value}`);
  return [...result.values()];
}

/** "a=1 b='two words'", or the old form "name rest of the line". */
function parsePairs(text: string, instruction: string): readonly (readonly [string, string])[] {
  const [first = ""] = words(text);
  if (!first.includes("=")) {
    const value = text.slice(first.length).trim();
    if (value === "") throw invalid(`${instruction} must have two arguments`);
    return [[first, value]];
  }
  return splitQuoted(text).map((word) => {
    const at = word.indexOf("=");
    if (at <= 0)
      throw invalid(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Words with their quotes and backslashes resolved. */
function splitQuoted(text: string): readonly string[] {
  const found = text.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs) ?? [];
  return found.map((word) => word.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|\\./gs, unquote));
}

function unquote(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (part.startsWith('"')) return part.slice(1, -1).replace(/\\(["\\$])/g, "$1");
  return part.slice(1);
}

function parsePorts(text: string): readonly string[] {
  return words(text).flatMap((word) => {
    const found = /^([0-9]+)(?:-([0-9]+))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
    const first = Number(found?.[1] ?? 0);
    const last = Number(found?.[2] ?? first);
    if (found === null || first < 1 || last > 65535 || last < first)
      throw invalid(`Invalid containerPort: ${word}`);
    const proto = (found[3] ?? "tcp").toLowerCase();
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${proto}`);
  });
}

const joinPath = (from: string, to: string): string => {
  const parts: string[] = [];
  for (const part of (to.startsWith("/") ? to : `${from}/${to}`).split("/"))
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  return `/${parts.join("/")}`;
};

const healthFlags: Readonly<
  Record<string, "Interval" | "Retries" | "StartInterval" | "StartPeriod" | "Timeout">
> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
  retries: "Retries",
};

function parseHealthcheck(text: string): NonNullable<ImageDefaults["Healthcheck"]> {
  const settings: Record<string, number> = {};
  let rest = text;
  for (let flag = takeFlag(rest); flag !== undefined; flag = takeFlag(rest)) {
    const key = healthFlags[flag.name];
    if (key === undefined) throw invalid(`Unknown flag: ${flag.name}`);
    const value = key === "Retries" ? Number(flag.value) : parseGoDuration(flag.value);
    if (value === undefined || !Number.isSafeInteger(value))
      throw invalid(`invalid value for --${flag.name}: ${JSON.stringify(flag.value)}`);
    settings[key] = value;
    rest = flag.rest;
  }
  const [word = ""] = words(rest);
  if (word.toUpperCase() === "NONE") return { Test: ["NONE"] };
  if (word.toUpperCase() !== "CMD")
    throw invalid(`Unknown type ${JSON.stringify(word.toUpperCase())} in HEALTHCHECK (try CMD)`);
  const command = rest.slice(word.length).trim();
  if (command === "") throw invalid("Missing command after HEALTHCHECK CMD");
  const list = parseJsonList(command);
  return { ...settings, Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list] };
}

function takeFlag(
  text: string,
): { readonly name: string; readonly value: string; readonly rest: string } | undefined {
  const found = /^--([a-z-]+)=(\S*)\s*(.*)$/s.exec(text);
  return found === null ? undefined : { name: found[1] ?? "", value: found[2] ?? "", rest: found[3] ?? "" };
}
