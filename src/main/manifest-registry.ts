// What the command line's `manifest` speaks to registries by.

import type { OpenManifestRegistry } from "#cli/manifests/manifest-registry.ts";
import { VERSION } from "#cli/version.ts";
import { ManifestAccess } from "#containerd/registry/manifest-access.ts";
import { chooseProxies } from "#containerd/registry/proxies.ts";

export const openManifestRegistry: OpenManifestRegistry = async ({ insecure, credentials, env }) => {
  const given = (name: string): string => env[name] || env[name.toLowerCase()] || "";
  const proxies = {
    httpProxy: given("HTTP_PROXY"),
    httpsProxy: given("HTTPS_PROXY"),
    noProxy: given("NO_PROXY"),
  };
  return new ManifestAccess({
    insecure,
    credentials,
    certsDirs: ["/etc/docker/certs.d"],
    userAgent: `Gantry-Client/${VERSION} (linux)`,
    proxyFor: chooseProxies(() => proxies),
    now: () => Date.now(),
  });
};
