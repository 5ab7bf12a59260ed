// A container with a shim, saved by criu.

import { accessSync, constants, mkdirSync } from "node:fs";
import { setFrozen } from "#kernel/cgroups/freezer.ts";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { execCandidates } from "../process/exec-candidates.ts";
import { criuFailure, dumpArguments, type Folders } from "./criu.ts";
import { takeNotes, writeNotes } from "./notes.ts";
import { refuseUnsavedTask } from "./refuse-unsaved.ts";

export interface Saved extends Folders {
  readonly leaveRunning: boolean;
}

export interface SavedContainer {
  readonly spec: Spec;
  readonly initPid: number;
  readonly cgroups: CgroupPaths;
}

/** With the rights and in the namespaces of whoever runs the plan. `verb` is for criu's failure. */
export function planCriu(verb: "dump" | "restore", folders: Folders, words: readonly string[]): Op {
  const path = process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin";
  const program = execCandidates("criu", [`PATH=${path}`]).find(isProgram);
  if (program === undefined) throw criuFailure(verb, folders, "");
  return {
    op: "spawn",
    why: `criu ${verb}`,
    path: program,
    argv: ["criu", ...words],
    env: [`PATH=${path}`],
    stdin: [],
    timeoutMs: 0,
    tied: verb === "restore", // a dump that is broken off leaves the processes as it has changed them
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A failure of planCriu's operation in words; any other as it is. */
export function explainCriu(verb: "dump" | "restore", folders: Folders, error: unknown): unknown {
  if (!(error instanceof PlanError) || error.why !== `criu ${verb}`) return error;
  const [status = error.code] = /^(exit status|signal) \d+/.exec(error.call) ?? [];
  return criuFailure(verb, folders, status, error);
}

/** Without `leaveRunning` its processes are killed when all is saved. A failure leaves it as it was. */
export async function saveContainer(
  executor: Pick<Executor, "run">,
  container: SavedContainer,
  wanted: Saved,
  signal: AbortSignal,
): Promise<void> {
  const { spec, initPid, cgroups } = container;
  refuseUnsavedTask(spec);
  mkdirSync(wanted.work, { recursive: true, mode: 0o700 });
  const notes = takeNotes(spec, initPid);
  writeNotes(wanted.images, notes); // before: whoever dies behind criu has lost nothing
  const options = ["--manage-cgroups=soft"];
  const dump = planCriu("dump", wanted, dumpArguments({ ...wanted, pid: initPid, cgroups, notes, options }));
  try {
    await executor.run([dump], signal);
  } catch (error) {
    await setFrozen(cgroups, false); // if criu was killed and could not
    throw explainCriu("dump", wanted, error);
  }
}
