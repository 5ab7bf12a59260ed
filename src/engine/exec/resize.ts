// POST /exec/{id}/resize.

import { invalid } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { TerminalSize } from "../containers/resize.ts";
import { scope } from "../containers/scope.ts";
import type { Execs } from "./execs.ts";

export interface ResizeExecDeps {
  readonly execs: Execs;
  readonly tasks: Pick<Tasks, "resizePty">;
}

export async function resizeExec(deps: ResizeExecDeps, id: string, size: TerminalSize): Promise<void> {
  const exec = deps.execs.get(id);
  if (!exec.running) throw invalid("exec process is not started");
  await deps.tasks.resizePty(scope, { containerId: exec.containerId, execId: id }, size);
}
