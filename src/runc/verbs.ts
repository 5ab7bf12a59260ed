// Which function serves which verb. Everything is loaded with the program: it is one bundle.

import { checkpointCommand } from "./checkpoint.ts";
import type { CommandLine, Given } from "./command-line.ts";
import { createCommand, type Deps } from "./create.ts";
import { deleteCommand } from "./delete.ts";
import { eventsCommand } from "./events.ts";
import { execCommand } from "./exec.ts";
import { CommandFailure, messageOf } from "./failures.ts";
import { featuresCommand } from "./features.ts";
import { killCommand } from "./kill.ts";
import { listCommand, stateCommand } from "./listing.ts";
import { pauseCommand } from "./pause.ts";
import { planCommand } from "./plan.ts";
import { psCommand } from "./ps.ts";
import { restoreCommand } from "./restore.ts";
import { resumeCommand } from "./resume.ts";
import { runCommand } from "./run.ts";
import { specCommand } from "./spec.ts";
import { startCommand } from "./start.ts";
import { updateCommand } from "./update.ts";

type Serve = (deps: Deps, given: Given, args: readonly string[]) => number | Promise<number>;

const verbs: Readonly<Record<string, Serve>> = {
  create: (deps, given, [id = ""]) => named("runc create failed", () => createCommand(deps, given, id)),
  run: (deps, given, [id = ""]) => named("runc run failed", () => runCommand(deps, given, id)),
  start: (deps, _given, [id = ""]) => startCommand(deps, id),
  exec: execCommand,
  kill: killCommand,
  delete: (deps, given, [id = ""]) => deleteCommand(deps, given, id),
  list: listCommand,
  ps: psCommand,
  pause: (deps, _given, [id = ""]) => pauseCommand(deps, id),
  resume: (deps, _given, [id = ""]) => resumeCommand(deps, id),
  update: (deps, given, [id = ""]) => updateCommand(deps, given, id),
  events: (deps, given, [id = ""]) => eventsCommand(deps, given, id),
  features: featuresCommand,
  checkpoint: (deps, given, [id = ""]) => checkpointCommand(deps, given, id),
  restore: (deps, given, [id = ""]) => named("runc restore failed", () => restoreCommand(deps, given, id)),
  state: (deps, _given, [id = ""]) => stateCommand(deps, id),
  spec: specCommand,
  plan: (deps, given, [bundle = ""]) => planCommand(deps, given, bundle),
};

export async function runVerb(
  deps: Deps,
  { verb, given, args }: Omit<CommandLine, "globals">,
): Promise<number> {
  const serve = verbs[verb];
  if (serve === undefined) throw new Error(`${verb} has no function`);
  return await serve(deps, given, args);
}

async function named(prefix: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    throw new CommandFailure(`${prefix}: ${messageOf(error)}`, {
      code: 1,
      cause: error,
    });
  }
}
