// What gantryd was asked for: its flags and configuration file read, or a text to print.

import { readFileSync } from "node:fs";
import { invalid } from "#base/errors.ts";
import { type DaemonSettings, decodeDaemonSettings, flagValue } from "#spec/daemon-config.ts";
import { parseDaemonFlags } from "#spec/daemon-flags.ts";
import { daemonOptions } from "#spec/daemon-options.table.ts";

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
  const settings = decodeDaemonSettings(flags, readConfigFile(flagValue(flags, "config-file")));
  return asks("validate") ? { kind: "validated" } : { kind: "run", settings };
}

/** The default file may be missing, one that was named may not. */
function readConfigFile(named: string | undefined): { path: string; text: string } | undefined {
  const path = named ?? defaultConfigFile;
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing && named === undefined) return undefined;
    const reason = missing ? `open ${path}: no such file or directory` : String(error);
    throw invalid(`unable to configure the Docker daemon with file ${path}: ${reason}`, { cause: error });
  }
}

export function helpText(): string {
  const rows = daemonOptions
    .filter(({ supported }) => supported)
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
