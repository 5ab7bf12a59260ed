// The command: global flags, one verb, the exit code.

import { appendFileSync } from "node:fs";
import { invalid } from "#base/errors.ts";
import { type CommandLine, isOn, lastOf, readGlobals, readVerb, verbs } from "./command-line.ts";
import { Containers } from "./containers.ts";
import { createCommand, type Deps } from "./create.ts";
import { deleteCommand } from "./delete.ts";
import { execCommand } from "./exec.ts";
import { CommandFailure } from "./failures.ts";
import { killCommand } from "./kill.ts";
import { listCommand, stateCommand } from "./listing.ts";
import { planCommand } from "./plan.ts";
import { runCommand } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import { specCommand } from "./spec.ts";
import { startCommand } from "./start.ts";

export interface ProgramDeps {
  readonly version: string;
  /** `root`: the folder of --root. */
  readonly openRuntime: (root: string, warn: (message: string) => void) => Runtime;
  readonly signal: AbortSignal;
}

interface LogSettings {
  readonly path: string | undefined;
  readonly format: string;
}

const DEFAULT_ROOT = "/run/gantry-runc";

/** Resolves to the exit code. */
export async function runProgram(deps: ProgramDeps, words: readonly string[]): Promise<number> {
  let log: LogSettings = { path: undefined, format: "text" };
  try {
    const { given, rest } = readGlobals(words);
    log = { path: lastOf(given, "log"), format: lastOf(given, "log-format") ?? "text" };
    if (log.format !== "text" && log.format !== "json") throw invalid(`invalid log-format: ${log.format}`);
    if (isOn(given, "version")) {
      process.stdout.write(`gantry-runc version ${deps.version}\nspec: 1.2.0\n`);
      return 0;
    }
    const command = readVerb(rest);
    if (isOn(given, "help") || command.verb === "") {
      process.stdout.write(usage);
      return 0;
    }
    const containers = new Containers(lastOf(given, "root") ?? DEFAULT_ROOT);
    const runtime = deps.openRuntime(lastOf(given, "root") ?? DEFAULT_ROOT, (message) =>
      tell(log, "warning", message),
    );
    return await runVerb({ containers, runtime, signal: deps.signal }, command);
  } catch (error) {
    tell(log, "error", error instanceof Error ? error.message : String(error));
    return error instanceof CommandFailure ? error.code : 1;
  }
}

async function runVerb(deps: Deps, { verb, given, args }: Omit<CommandLine, "globals">): Promise<number> {
  const [id = ""] = args;
  switch (verb) {
    case "create":
      return await named("runc create failed", () => createCommand(deps, given, id));
    case "run":
      return await named("runc run failed", () => runCommand(deps, given, id));
    case "start":
      return await startCommand(deps, id);
    case "exec":
      return await execCommand(deps, given, args);
    case "kill":
      return await killCommand(deps, given, args);
    case "delete":
      return await deleteCommand(deps, given, id);
    case "list":
      return listCommand(deps, given);
    case "state":
      return stateCommand(deps, id);
    case "spec":
      return specCommand(given);
    default:
      return planCommand(deps, id);
  }
}

async function named(prefix: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    throw new CommandFailure(`${prefix}: ${error instanceof Error ? error.message : String(error)}`, {
      code: 1,
      cause: error,
    });
  }
}

/** As logrus writes it; containerd reads the JSON form of the last error. */
function tell({ path, format }: LogSettings, level: string, msg: string): void {
  const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const line =
    format === "json"
      ? JSON.stringify({ level, msg, time })
      : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(msg)}`;
  if (path !== undefined) appendFileSync(path, `${line}\n`, { mode: 0o600 });
  if (path === undefined || level === "error")
    process.stderr.write(path === undefined ? `${line}\n` : `${msg}\n`);
}

const usage = `Usage: gantry-runc [--root DIR] [--log FILE] [--log-format text|json] COMMAND

Runs containers from OCI bundles, with runc's command line

Commands: ${Object.keys(verbs).join(" ")}
`;
