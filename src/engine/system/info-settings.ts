// What of the daemon's settings its descriptions tell.

import type { ConfiguredRuntime } from "../containers/runtimes.ts";

export interface InfoSettings {
  /** Empty or missing: the usual ones. */
  readonly cdiDirectories?: readonly string[];
  readonly dataRoot: string;
  readonly debug: boolean;
  readonly liveRestore: boolean;
  readonly labels: readonly string[];
  readonly runtimes?: Readonly<Record<string, ConfiguredRuntime>>;
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  /** Their passwords are not shown. */
  readonly proxies?: { readonly httpProxy: string; readonly httpsProxy: string; readonly noProxy: string };
  readonly authorizationPlugins: readonly string[];
  /** As configured; empty for Docker's. */
  readonly addressPools: readonly { readonly base: string; readonly size: number }[];
  readonly experimental: boolean;
  /** "" is the oldest that there is. */
  readonly minApiVersion: string;
  /** Addresses of the API. */
  readonly hosts: readonly string[];
  readonly tls?: { readonly enabled: boolean; readonly verify: boolean };
  /** "" is the one that is built in. */
  readonly initPath: string;
  /** Containers get one unless they say otherwise. */
  readonly userNamespaces?: boolean;
  readonly containers: InfoContainerDefaults;
  /** Where containerd's API is served. */
  readonly containerdAddress: string;
}

export interface InfoContainerDefaults {
  readonly logDriver: string;
  readonly runtime: string;
  readonly seccompProfile: string;
  readonly cgroupnsMode: string;
  readonly noNewPrivileges: boolean;
}
