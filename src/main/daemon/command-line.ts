// What gantryd was asked for: its flags and configuration file read, or a text to print.

import { readFileSync } from "node:fs";
import { versionRange } from "#api/version.ts";
import { EngineError, invalid, prefixed } from "#base/errors.ts";
import { decodeDaemonSettings, flagValue } from "#spec/daemon-config.ts";
import { parseDaemonFlags } from "#spec/daemon-flags.ts";
import { daemonOptions } from "#spec/daemon-options.table.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import { parseHost } from "./addresses.ts";
import { readTlsFiles } from "./tls.ts";

const defaultConfigFile = "/etc/gantry/daemon.json";

export type DaemonRequest =
  | { readonly kind: "run"; readonly settings: DaemonSettings }
  | { readonly kind: "help" | "version" | "validated" };

/** Throws `invalid` in dockerd's words. */
export function readCommandLine(args: readonly string[]): DaemonRequest {
  const flags = parseDaemonFlags(args);
  const asks = (name: string): boolean => flagValue(flags, name) === "true";
  if (asks("help")) return { kind: "help" };
  if (asks("version")) return { kind: "version" };
  const { settings } = readSettings(args);
  return asks("validate") ? { kind: "validated" } : { kind: "run", settings };
}

export interface ReadSettings {
  readonly settings: DaemonSettings;
  /** What the configuration file names. */
  readonly fileKeys: ReadonlySet<string>;
  readonly path: string;
}

/** Everything that can be checked without starting is. Throws `invalid`. */
export function readSettings(args: readonly string[]): ReadSettings {
  const flags = parseDaemonFlags(args);
  const named = flagValue(flags, "config-file");
  const file = readConfigFile(named);
  const settings = withMinApiVersion(decodeDaemonSettings(flags, file), process.env.DOCKER_MIN_API_VERSION);
  const tls = readTlsFiles(settings.tls, process.env);
  for (const host of [...settings.hosts, ...settings.scopedHosts.map((scoped) => scoped.host)])
    parseHost(host, tls === undefined ? {} : { tls });
  return { settings, fileKeys: file?.keys ?? new Set(), path: named ?? defaultConfigFile };
}

/** The environment's is that of a file which names none. */
function withMinApiVersion(settings: DaemonSettings, environment = ""): DaemonSettings {
  try {
    versionRange(environment);
  } catch (error) {
    throw error instanceof EngineError ? prefixed("invalid DOCKER_MIN_API_VERSION: ", error) : error;
  }
  versionRange(settings.minApiVersion);
  return { ...settings, minApiVersion: settings.minApiVersion || environment };
}

interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly keys: ReadonlySet<string>;
}

/** The default file may be missing, one that was named may not. */
function readConfigFile(named: string | undefined): ConfigFile | undefined {
  const path = named ?? defaultConfigFile;
  try {
    const text = readFileSync(path, "utf8");
    return { path, text, keys: topLevelKeys(text) };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing && named === undefined) return undefined;
    const reason = missing ? `open ${path}: no such file or directory` : String(error);
    throw invalid(`unable to configure the Docker daemon with file ${path}: ${reason}`, { cause: error });
  }
}

/** Of a broken file none: the decoder refuses it with its reason. */
function topLevelKeys(text: string): ReadonlySet<string> {
  try {
    return new Set(Object.keys(JSON.parse(text)));
  } catch {
    return new Set();
  }
}

export function helpText(): string {
  const rows = daemonOptions
    .filter(({ supported, flag }) => supported && flag !== undefined)
    .map(({ flag, shorthand, type, help }) => {
      const short = shorthand === undefined ? "    " : `-${shorthand}, `;
      return [`  ${short}--${flag}${type === "bool" ? "" : ` ${type}`}`, help ?? ""] as const;
    });
  const width = Math.max(...rows.map(([left]) => left.length)) + 3;
  return [
    "",
    "Usage:  gantryd [OPTIONS]",
    "",
    "A container engine.",
    "",
    "Options:",
    ...rows.map(([left, right]) => left.padEnd(width) + right),
    "",
  ].join("\n");
}
