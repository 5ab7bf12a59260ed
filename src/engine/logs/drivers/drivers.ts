// The log drivers by name, and what may be asked of them.

import { invalid, unsupported } from "#base/errors.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { commonOptions } from "./attributes.ts";
import type { LogDriver, LogInfo } from "./driver.ts";
import { fluentdDriver } from "./fluentd.ts";
import { gelfDriver } from "./gelf.ts";
import { journaldDriver } from "./journald.ts";
import { readBinarySize } from "./option-values.ts";
import { syslogDriver } from "./syslog.ts";

type Options = LogInfo["options"];

const forwarding: ReadonlyMap<string, LogDriver> = new Map([
  ["syslog", syslogDriver],
  ["fluentd", fluentdDriver],
  ["gelf", gelfDriver],
  ["journald", journaldDriver()],
]);

/** A driver that carries lines elsewhere; undefined for those that only keep files, or nothing. */
export const findLogDriver = (name: string): LogDriver | undefined => forwarding.get(name);

/** As `info` lists them. */
export const logDriverNames: readonly string[] = [...forwarding.keys(), "json-file", "local"].sort();

const fileOptions = ["max-size", "max-file", "compress"];
const absent = ["awslogs", "splunk", "gcplogs", "logentries", "etwlogs"];
const modeOptions = ["mode", "max-buffer-size"];
const cacheOptions = ["cache-disabled", ...fileOptions.map((name) => `cache-${name}`)];

/** Throws what Docker refuses when the container is created; the rest it refuses when it starts. */
export function validateLogOptions(name: string, options: Options): void {
  if (absent.includes(name)) throw unsupported(`--log-driver ${name}`);
  if (name === "none") {
    if (Object.keys(options).length > 0) throw invalid("logging options cannot be set with the none driver");
    return;
  }
  validateMode(options);
  const disabled = options["cache-disabled"] ?? "";
  if (disabled !== "" && parseGoBoolean(disabled) === undefined)
    throw invalid(`invalid value for option cache-disabled: ${disabled}`);
  const driver = forwarding.get(name);
  if (driver === undefined && name !== "json-file" && name !== "local")
    throw invalid(`error looking up logging plugin ${name}: plugin "${name}" not found`);
  const known = [...commonOptions, ...modeOptions, ...cacheOptions, ...(driver?.options ?? fileOptions)];
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) throw invalid(describeUnknown(name, driver, unknown));
  driver?.validate(options);
}

function describeUnknown(name: string, driver: LogDriver | undefined, option: string): string {
  if (driver !== undefined) return driver.unknownOption(option);
  return name === "local"
    ? `unknown log opt '${option}' for log driver local`
    : `unknown log opt '${option}' for ${name} log driver`;
}

function validateMode(options: Options): void {
  const { mode = "", "max-buffer-size": size } = options;
  if (mode !== "" && mode !== "blocking" && mode !== "non-blocking")
    throw invalid(`logger: logging mode not supported: ${mode}`);
  if (size === undefined) return;
  if (mode !== "non-blocking")
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  try {
    readBinarySize(size);
  } catch (error) {
    throw invalid(`error parsing option max-buffer-size: ${error instanceof Error ? error.message : error}`);
  }
}

/** Docker's: options of the daemon go to containers with the daemon's driver, those of the cache to all. */
export function mergeLogOptions(
  given: { readonly driver: string; readonly options: Options },
  daemon: { readonly driver: string; readonly options: Options },
): { readonly driver: string; readonly options: Options } {
  const driver = given.driver || daemon.driver;
  const inherited = Object.entries(daemon.options).filter(
    ([name]) => driver === daemon.driver || (cacheOptions.includes(name) && driver !== "none"),
  );
  return { driver, options: { ...Object.fromEntries(inherited), ...given.options } };
}

const MAX_BUFFER = 1024 * 1024;

/** With mode=non-blocking: bytes that may wait for the receiver. */
export const bufferLimit = (options: Options): number | undefined =>
  options.mode === "non-blocking"
    ? readBinarySize(options["max-buffer-size"] ?? String(MAX_BUFFER))
    : undefined;
