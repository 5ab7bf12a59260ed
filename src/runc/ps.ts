// The processes of a container, by the host's `ps`: its columns are the user's choice.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { invalid, systemError } from "#base/errors.ts";
import { readCgroupPids } from "#kernel/cgroups/processes.ts";
import { type Given, lastOf } from "./command-line.ts";
import type { Deps } from "./create.ts";
import { cgroupsOf } from "./status.ts";

const run = promisify(execFile);

export async function psCommand(
  deps: Deps,
  given: Given,
  [id = "", ...options]: readonly string[],
): Promise<number> {
  const pids = await readCgroupPids(cgroupsOf(deps, deps.containers.get(id)));
  const format = lastOf(given, "format") ?? "table";
  if (format === "json") await deps.caller.write(1, `${JSON.stringify(pids.length === 0 ? null : pids)}\n`);
  else if (format !== "table") throw invalid("invalid format option");
  else await deps.caller.write(1, selectProcesses(await listProcesses(deps, options), pids));
  return 0;
}

async function listProcesses({ caller, signal }: Deps, options: readonly string[]): Promise<string> {
  const settings = { env: caller.env, cwd: caller.cwd, maxBuffer: 64 << 20, signal };
  try {
    return (await run("ps", options.length === 0 ? ["-ef"] : options, settings)).stdout;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT") throw systemError('exec: "ps": executable file not found in $PATH');
    throw systemError(`exit status ${code}: `, { cause: error });
  }
}

/** The headline and the lines of these processes. */
export function selectProcesses(listing: string, pids: readonly number[]): string {
  const [headline = "", ...lines] = listing.split("\n");
  const column = headline.trim().split(/\s+/).indexOf("PID");
  if (column === -1) throw invalid("couldn't find PID field in ps output");
  const wanted = new Set(pids);
  const selected = lines.filter((line) => line !== "" && wanted.has(pidIn(line, column)));
  return [headline, ...selected].map((line) => `${line}\n`).join("");
}

function pidIn(line: string, column: number): number {
  const text = line.trim().split(/\s+/)[column] ?? "";
  if (!/^\d+$/.test(text))
    throw invalid(`unable to parse pid: strconv.Atoi: parsing "${text}": invalid syntax`);
  return Number(text);
}
