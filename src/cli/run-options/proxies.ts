// The proxies of the user's configuration file, which new containers learn as variables.

import type { Settings } from "../settings.ts";

const VARIABLES = {
  HTTP_PROXY: "httpProxy",
  HTTPS_PROXY: "httpsProxy",
  NO_PROXY: "noProxy",
  FTP_PROXY: "ftpProxy",
  ALL_PROXY: "allProxy",
} as const;

/** "HTTP_PROXY=…" and its small spelling for each proxy that is set for `host`, else for all hosts; a variable in `given` stays. */
export function proxyVariables(
  proxies: Settings["proxies"],
  host: string,
  given: readonly string[],
): readonly string[] {
  const chosen = proxies?.[host] ?? proxies?.default ?? {};
  const names = new Set(given.map((text) => text.split("=", 1)[0]));
  return Object.entries(VARIABLES).flatMap(([name, key]) => {
    const value = chosen[key] ?? "";
    const spellings = value === "" ? [] : [name, name.toLowerCase()];
    return spellings.filter((spelling) => !names.has(spelling)).map((spelling) => `${spelling}=${value}`);
  });
}
