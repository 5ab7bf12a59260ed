// --log-driver and --log-opt: the json-file driver, which the shim writes, and none.

import { invalid, systemError, unsupported } from "#base/errors.ts";
import { parseBinarySize } from "#formats/units.ts";
import type { ContainerConfig, HostConfig } from "#spec/container-config.ts";

type LogConfig = HostConfig["LogConfig"];

const drivers = ["", "json-file", "none"];
const otherDrivers = "local journald syslog gelf fluentd awslogs splunk gcplogs logentries".split(" ");
const options = [
  "max-size",
  "max-file",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
  "compress",
  "mode",
  "max-buffer-size",
];

export function validateLogConfig(log: LogConfig): void {
  if (otherDrivers.includes(log.Type)) throw unsupported(`--log-driver ${log.Type}`);
  if (!drivers.includes(log.Type)) throw invalid(`logger: no log driver named '${log.Type}' is registered`);
  const given = log.Config ?? {};
  if (log.Type === "none" && Object.keys(given).length > 0)
    throw invalid("logging options cannot be set with the none driver");
  for (const option of Object.keys(given))
    if (!options.includes(option)) throw invalid(`unknown log opt '${option}' for json-file log driver`);
  if (given.compress !== undefined && isOn(given.compress)) throw unsupported("--log-opt compress");
  validateMode(given);
  if (given.tag !== undefined && given.tag !== "") throw unsupported("--log-opt tag");
  readRotation(given);
}

/** As Go reads a boolean. */
function isOn(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function validateMode(given: Readonly<Record<string, string>>): void {
  const { mode = "" } = given;
  if (mode === "non-blocking") throw unsupported("--log-opt mode=non-blocking");
  if (mode !== "" && mode !== "blocking") throw invalid(`logger: logging mode not supported: ${mode}`);
  if (given["max-buffer-size"] !== undefined)
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
}

export interface Rotation {
  /** Bytes; 0 is no rotation. */
  readonly maxSize: number;
  readonly maxFiles: number;
}

export function readRotation(given: Readonly<Record<string, string>>): Rotation {
  const sizeText = given["max-size"] ?? "";
  const maxSize = sizeText === "" || sizeText === "-1" ? 0 : (parseBinarySize(sizeText) ?? -1);
  if (maxSize < 0) throw invalid(`invalid size: '${sizeText}'`);
  const filesText = given["max-file"] ?? "1";
  if (!/^\d+$/.test(filesText)) throw invalid(`strconv.Atoi: parsing "${filesText}": invalid syntax`);
  const maxFiles = Number(filesText);
  if (maxFiles < 1) throw invalid("max-file cannot be less than 1");
  if (maxSize === 0 && maxFiles > 1) throw invalid("max-file cannot be set without max-size");
  return { maxSize, maxFiles };
}

/** Labels and variables that the options name, written beside each line; "" if there are none. */
export function logAttributes(log: LogConfig, config: ContainerConfig): string {
  const given = log.Config ?? {};
  const env = Object.fromEntries(
    (config.Env ?? []).map((variable) => {
      const at = variable.indexOf("=");
      return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
    }),
  );
  const chosen = {
    ...choose(config.Labels ?? {}, given.labels, given["labels-regex"]),
    ...choose(env, given.env, given["env-regex"]),
  };
  return Object.keys(chosen).length === 0 ? "" : JSON.stringify(chosen);
}

function choose(
  values: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Readonly<Record<string, string>> {
  const wanted = new Set((names ?? "").split(",").filter((name) => name !== ""));
  const expression = pattern === undefined || pattern === "" ? undefined : compilePattern(pattern);
  return Object.fromEntries(
    Object.entries(values).filter(([key]) => wanted.has(key) || expression?.test(key) === true),
  );
}

function compilePattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw systemError(`invalid regular expression: ${pattern}`, { cause: error });
  }
}
