// What creating a container from a bundle would do, one operation a line. Needs no privilege and changes nothing.

import { loadBundle } from "./bundle.ts";
import type { Deps } from "./create.ts";

export async function planCommand({ runtime, caller }: Deps, directory: string): Promise<number> {
  const { path, spec } = loadBundle(caller, directory);
  const lines = runtime.explain({ id: "plan", spec, stateDir: path });
  await caller.write(1, lines.map((line) => `${line}\n`).join(""));
  return 0;
}
