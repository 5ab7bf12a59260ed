import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "#base/errors.ts";
import { callerPath } from "./caller.ts";
import { type Given, lastOf } from "./command-line.ts";
import type { Deps } from "./create.ts";
import { defaultSpec } from "./default-spec.table.ts";

/** Writes the specification that `runc spec` writes. */
export function specCommand({ caller }: Deps, given: Given): number {
  const path = callerPath(caller, join(lastOf(given, "bundle") ?? ".", "config.json"));
  if (existsSync(path)) throw invalid("File config.json exists. Remove it first");
  writeFileSync(path, JSON.stringify(defaultSpec, undefined, "\t"), { mode: 0o666 });
  return 0;
}
