// The environment of a container's processes.

import type { ContainerConfig } from "#spec/container-config.ts";
import { defaultPath } from "./oci-defaults.table.ts";

/** The name before "=". */
export const keyOf = (variable: string): string => variable.split("=", 1)[0] ?? "";

/** Later variables replace earlier ones in their place; one without "=" removes. */
export function replaceEnv(base: readonly string[], changes: readonly string[]): readonly string[] {
  const result = new Map(base.map((variable) => [keyOf(variable), variable]));
  for (const variable of changes) {
    if (variable.includes("=")) result.set(keyOf(variable), variable);
    else result.delete(variable);
  }
  return [...result.values()];
}

export const containerEnv = (
  config: Pick<ContainerConfig, "Hostname" | "Tty" | "Env">,
  home: string,
  links: readonly string[],
): readonly string[] => execEnv(config, { tty: config.Tty, env: [], links }, home);

/** An exec's: the container's, then its own; without the container's TERM unless it has a terminal too. */
export function execEnv(
  config: Pick<ContainerConfig, "Hostname" | "Tty" | "Env">,
  exec: { readonly tty: boolean; readonly env: readonly string[]; readonly links: readonly string[] },
  home: string,
): readonly string[] {
  const base = [
    defaultPath,
    `HOSTNAME=${config.Hostname}`,
    ...(exec.tty ? ["TERM=xterm"] : []),
    ...exec.links,
  ];
  return withHome(replaceEnv(replaceEnv(base, config.Env ?? []), exec.env), home);
}

const withHome = (env: readonly string[], home: string): readonly string[] =>
  env.some((variable) => variable.startsWith("HOME=")) ? env : [...env, `HOME=${home}`];
