// An exec as an OCI process: the container's own settings, changed by what the exec asks for.

import { posix } from "node:path";
import type { Process } from "#spec/oci-runtime.ts";
import { decideCapabilities } from "../containers/capabilities.ts";
import { execEnv } from "../containers/environment.ts";
import type { HostFacts } from "../containers/host-facts.ts";
import { capabilitySets } from "../containers/oci-spec.ts";
import type { ContainerRecord } from "../containers/record.ts";
import { planRlimits } from "../containers/rlimits.ts";
import { confinementOf } from "../containers/security-opt.ts";
import type { ContainerUser } from "../containers/user.ts";
import type { ConsoleSize, ExecConfig } from "./execs.ts";

export interface ExecSettings {
  readonly config: Pick<ExecConfig, "command" | "env" | "workingDir" | "privileged" | "tty">;
  readonly consoleSize: ConsoleSize | undefined;
  /** Variables that tell of containers that the exec's own is linked to. */
  readonly links: readonly string[];
}

export function buildExecProcess(
  record: ContainerRecord,
  { config: exec, consoleSize, links }: ExecSettings,
  user: ContainerUser,
  host: HostFacts,
): Process {
  const { config, hostConfig } = record;
  const privileged = exec.privileged || hostConfig.Privileged;
  const { granted } = decideCapabilities({ ...hostConfig, Privileged: privileged }, host.capabilities);
  return {
    terminal: exec.tty,
    ...(exec.tty && consoleSize !== undefined && { consoleSize }),
    cwd: exec.workingDir || posix.resolve("/", config.WorkingDir),
    env: execEnv(config, { ...exec, links }, user.home),
    args: exec.command,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    capabilities: capabilitySets(granted),
    rlimits: planRlimits(hostConfig.Ulimits, host).rlimits,
    ...confinementOf(hostConfig.SecurityOpt, host),
    ...(hostConfig.OomScoreAdj !== 0 && { oomScoreAdj: hostConfig.OomScoreAdj }),
  };
}
