// The registries that the daemon is configured for, as /info tells them.

import type { SystemInfo } from "#spec/engine-api/definitions.table.ts";

export interface RegistrySettings {
  /** Names, name:port, or subnets. */
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
}

const isSubnet = (text: string): boolean => /^[0-9a-fA-F.:]+\/\d+$/.test(text);

export function describeRegistries(
  settings: RegistrySettings,
  minor: number,
): Pick<SystemInfo, "IndexServerAddress" | "RegistryConfig"> {
  const insecure = settings.insecureRegistries.filter((name) => !isSubnet(name));
  const mirrors = settings.registryMirrors.map((url) => (url.endsWith("/") ? url : `${url}/`));
  const index = (name: string) => ({ Name: name, Mirrors: [], Secure: false, Official: false });
  return {
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      ...(minor < 47 && {
        AllowNondistributableArtifactsCIDRs: null,
        AllowNondistributableArtifactsHostnames: null,
      }),
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", ...settings.insecureRegistries.filter(isSubnet)],
      IndexConfigs: {
        ...Object.fromEntries(insecure.map((name) => [name, index(name)])),
        "docker.io": { Name: "docker.io", Mirrors: mirrors, Secure: true, Official: true },
      },
      Mirrors: mirrors,
    },
  };
}
