// The directory a process starts in.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";

/** A path through a file descriptor could lead out of the container (CVE-2024-21626). */
export function checkWorkingDirectory(cwd: string): string {
  if (!posix.isAbsolute(cwd)) throw invalid(`Cwd must be an absolute path: ${cwd}`);
  const path = posix.normalize(cwd);
  if (/^\/proc\/(self|thread-self|\d+)(\/task\/\d+)?\/(fd|cwd|root|map_files)(\/|$)/.test(path))
    throw invalid(
      `current working directory is outside of container mount namespace root -- possible container breakout detected: ${cwd}`,
    );
  return path.length > 1 ? path.replace(/\/$/, "") : path;
}
