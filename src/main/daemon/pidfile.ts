// One daemon for a pid file: a file left by a process that is gone is taken over.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { systemError } from "#base/errors.ts";

/** Disposing removes the file. Throws in dockerd's words if its process lives. */
export function claimPidfile(path: string, pid: number): Disposable {
  const owner = runningOwner(path);
  if (owner !== undefined && owner !== pid)
    throw systemError(
      `failed to start daemon, ensure gantryd is not running or delete ${path}: process with PID ${owner} is still running`,
    );
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, String(pid), { mode: 0o644 });
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** The process that has claimed the file, if it lives. */
export function runningOwner(path: string): number | undefined {
  const owner = Number(readIfThere(path));
  return owner > 0 && isRunning(owner) ? owner : undefined;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** A zombie has ended as well. */
function isRunning(pid: number): boolean {
  const status = readIfThere(`/proc/${pid}/stat`);
  return status !== "" && !/\) [ZX] /.test(status);
}
