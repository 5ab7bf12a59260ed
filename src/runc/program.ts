// The command: global flags, one verb, the exit code.

import { callerPath } from "./caller.ts";
import type { Client } from "./client.ts";
import {
  findCommand,
  type Given,
  isOn,
  lastOf,
  readGlobals,
  readVerb,
  UnknownCommand,
  UsageError,
} from "./command-line.ts";
import { Containers } from "./containers.ts";
import type { Deps } from "./create.ts";
import { CommandFailure, messageOf } from "./failures.ts";
import { commandHelp, programHelp } from "./help.ts";
import { type Log, openLog } from "./log.ts";
import type { Runtime } from "./runtime.ts";
import { runVerb } from "./verbs.ts";
import { versionText } from "./version.ts";

export interface ProgramDeps {
  readonly version: string;
  readonly commit: string;
  readonly caller: Client;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
}

/** Of containers, where --root does not say: as runc, an unprivileged user's are in the folder of the login session. */
function defaultRoot({ env }: Client): string {
  const session = env.XDG_RUNTIME_DIR ?? "";
  return process.geteuid?.() !== 0 && session !== "" ? `${session}/gantry-runc` : "/run/gantry-runc";
}

/** Resolves to the exit code. */
export async function runProgram(deps: ProgramDeps, words: readonly string[]): Promise<number> {
  let log = openLog(deps.caller, new Map());
  try {
    const { given, rest } = readGlobals(words);
    log = openLog(deps.caller, given);
    return await runCommandLine(deps, log, { given, rest });
  } catch (error) {
    if (error instanceof UsageError) await showUsage(deps, error);
    await log.tell("error", messageOf(error));
    if (error instanceof UnknownCommand) return 3;
    return error instanceof CommandFailure ? error.code : 1;
  }
}

async function runCommandLine(
  deps: ProgramDeps,
  log: Log,
  { given, rest }: { readonly given: Given; readonly rest: readonly string[] },
): Promise<number> {
  if (isOn(given, "version")) {
    await deps.caller.write(1, `gantry-runc version ${versionText(deps)}\n`);
    return 0;
  }
  const command = readVerb(isOn(given, "help") ? ["help", ...rest] : rest);
  if (command.verb === "" || command.verb === "help") return await showHelp(deps, command.args[0]);
  const { caller, runtime, version, signal } = deps;
  const root = callerPath(caller, lastOf(given, "root") ?? defaultRoot(caller));
  const made: Deps = {
    containers: new Containers(root),
    runtime,
    caller,
    log,
    version,
    globals: given,
    signal,
  };
  return await runVerb(made, command);
}

async function showHelp(deps: ProgramDeps, name: string | undefined): Promise<number> {
  const text = name === undefined ? programHelp(versionText(deps)) : commandHelp(findCommand(name));
  await deps.caller.write(1, text);
  return 0;
}

async function showUsage(deps: ProgramDeps, { headline, command }: UsageError): Promise<void> {
  const help = command === undefined ? programHelp(versionText(deps)) : commandHelp(command);
  await deps.caller.write(1, `${headline}\n\n${help}`);
}
