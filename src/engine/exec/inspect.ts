// GET /exec/{id}/json.

import { notFound } from "#base/errors.ts";
import type { ContainerStore } from "../containers/store.ts";
import type { Execs } from "./execs.ts";

export interface InspectExecDeps {
  readonly containers: Pick<ContainerStore, "find">;
  readonly execs: Execs;
}

export function inspectExec(deps: InspectExecDeps, id: string): Readonly<Record<string, unknown>> {
  const exec = deps.execs.get(id);
  if (deps.containers.find(exec.containerId) === undefined) throw notFound("exec instance", id);
  const { config } = exec;
  const [entrypoint, ...args] = config.command;
  return {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: config.tty,
      entrypoint,
      arguments: args,
      privileged: config.privileged,
      ...(config.user !== "" && { user: config.user }),
    },
    OpenStdin: config.stdin,
    OpenStderr: config.stderr,
    OpenStdout: config.stdout,
    CanRemove: exec.exitCode !== null,
    ContainerID: exec.containerId,
    DetachKeys: "",
    Pid: exec.pid,
  };
}
