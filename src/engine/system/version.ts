// GET /version.

import type { SystemVersion } from "#spec/engine-api/definitions.table.ts";
import { maxApiVersion, minApiVersion } from "#spec/engine-api/versions.ts";
import type { InfoSettings } from "./info-settings.ts";
import type { Machine } from "./machine.ts";
import type { Release } from "./release.ts";

export interface VersionDeps {
  readonly settings: Pick<InfoSettings, "experimental" | "minApiVersion">;
  readonly release: Release;
  readonly machine: Machine;
  readonly containerd: { version(): Promise<{ readonly version: string; readonly revision: string }> };
}

export async function describeVersion(deps: VersionDeps): Promise<SystemVersion> {
  const { release, machine, settings } = deps;
  const containerd = await deps.containerd.version();
  const engine = {
    ApiVersion: maxApiVersion,
    MinAPIVersion: settings.minApiVersion || minApiVersion,
    Os: "linux",
    Arch: machine.goArchitecture,
    GitCommit: release.gitCommit,
    GoVersion: `node ${process.version}`,
    KernelVersion: machine.kernelVersion,
    BuildTime: release.buildTime,
  };
  const component = (name: string, version: string, details: Readonly<Record<string, string>>) => ({
    Name: name,
    Version: version,
    Details: details,
  });
  return {
    Platform: { Name: "Gantry Engine" },
    Components: [
      component("Engine", release.version, { ...engine, Experimental: String(settings.experimental) }),
      component("containerd", containerd.version, { GitCommit: containerd.revision }),
      component("gantry-runc", release.version, { GitCommit: release.gitCommit }),
      component("gantry-exec", release.version, { GitCommit: release.gitCommit }),
    ],
    Version: release.version,
    ...engine,
    ...(settings.experimental && { Experimental: true }),
  };
}
