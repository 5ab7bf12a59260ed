// The program of forger.c.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Built, static, in a folder; its path. */
export function buildForger(folder: string): string {
  const path = join(folder, "forger");
  const source = join(import.meta.dirname, "forger.c");
  execFileSync("cc", ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", path, source]);
  return path;
}
