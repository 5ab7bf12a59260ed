// Finds the route of a path. Routes are tried in their order; those of another method do not count.

import type { Route } from "./router.ts";

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export class Matcher {
  readonly #byMethod = new Map<string, Compiled[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const list = this.#byMethod.get(route.method) ?? [];
      list.push(compile(route));
      this.#byMethod.set(route.method, list);
    }
  }

  /** `path` is the undecoded path without query and version. A path that is no valid percent-encoding matches nothing. */
  find(method: string, path: string, minor: number): Match | undefined {
    const decoded = decodePath(path);
    if (decoded === undefined) return undefined;
    for (const { route, pattern, names } of this.#byMethod.get(method) ?? []) {
      const found = pattern.exec(decoded);
      if (found === null || (route.minVersion ?? 0) > minor) continue;
      return { route, params: Object.fromEntries(names.map((name, at) => [name, found[at + 1] ?? ""])) };
    }
    return undefined;
  }
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const pattern = route.path
    .split("/")
    .map((part) => {
      if (!part.startsWith(":")) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const anything = part.endsWith("*");
      names.push(part.slice(1, anything ? -1 : undefined));
      return anything ? "(.+)" : "([^/]+)";
    })
    .join("/");
  return { route, names, pattern: new RegExp(`^${pattern}$`, "s") };
}
