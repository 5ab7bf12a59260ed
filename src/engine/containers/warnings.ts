// What `create` warns of: wishes that this machine cannot grant in full.

import type { HostConfig } from "#spec/container-config.ts";
import { decideCapabilities } from "./capabilities.ts";
import type { HostFacts } from "./host-facts.ts";
import { planRlimits } from "./rlimits.ts";
import { runtimeWarnings } from "./runtimes.ts";
import { securityWarnings } from "./security-opt.ts";

export function containerWarnings(hostConfig: HostConfig, host: HostFacts): readonly string[] {
  const { missing } = decideCapabilities(hostConfig, host.capabilities);
  const { clamped } = planRlimits(hostConfig.Ulimits, host);
  const published = Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return [
    ...runtimeWarnings(hostConfig.Runtime),
    ...(missing.length > 0
      ? [`This machine does not allow ${missing.join(", ")}: the container runs without`]
      : []),
    ...clamped.map(
      ({ name, hard }) => `This machine does not allow to raise ulimit ${name}: the hard limit stays ${hard}`,
    ),
    ...securityWarnings(hostConfig.SecurityOpt, host),
    ...(published && hostConfig.NetworkMode === "host"
      ? ["Published ports are discarded when using host network mode"]
      : []),
    ...(hostConfig.OomKillDisable === true && hostConfig.Memory === 0
      ? [
          "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
        ]
      : []),
  ];
}
