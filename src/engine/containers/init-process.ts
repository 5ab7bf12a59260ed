// --init: a process 1 of ours that reaps and passes signals on (native/init), in front of the container's command.

import type { HostConfig } from "#spec/container-config.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { HostFacts } from "./host-facts.ts";

const path = "/sbin/docker-init";

/** Only where the command would be process 1: in a pid namespace of its own. */
function usesInit({ Init, PidMode }: HostConfig, { init }: Pick<HostFacts, "init">): boolean {
  return init !== undefined && PidMode === "" && (Init ?? init.byDefault);
}

export const withInit = (
  hostConfig: HostConfig,
  host: Pick<HostFacts, "init">,
  command: readonly string[],
): readonly string[] => (usesInit(hostConfig, host) ? [path, "--", ...command] : command);

export const initMounts = (hostConfig: HostConfig, host: Pick<HostFacts, "init">): readonly Mount[] =>
  usesInit(hostConfig, host)
    ? [{ destination: path, type: "bind", source: host.init?.program ?? "", options: ["bind", "ro"] }]
    : [];
