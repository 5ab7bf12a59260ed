// What creating a container from a bundle would do, one operation a line. Needs no privilege and changes nothing.

import { loadBundle } from "./bundle.ts";
import type { Deps } from "./create.ts";

export function planCommand({ runtime }: Deps, directory: string): number {
  const { path, spec } = loadBundle(directory);
  const lines = runtime.explain({ id: "plan", spec, stateDir: path });
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}
