// The proxies of a daemon whose configuration names none: its environment's.

import type { DaemonSettings } from "#spec/daemon-settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export function withProxyEnvironment(settings: DaemonSettings, env: Environment): DaemonSettings {
  const { httpProxy, httpsProxy, noProxy } = settings.proxies;
  const or = (given: string, name: string): string =>
    given === "" ? env[name] || env[name.toLowerCase()] || "" : given;
  return {
    ...settings,
    proxies: {
      httpProxy: or(httpProxy, "HTTP_PROXY"),
      httpsProxy: or(httpsProxy, "HTTPS_PROXY"),
      noProxy: or(noProxy, "NO_PROXY"),
    },
  };
}
