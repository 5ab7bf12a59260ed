// What a resident has from the command that started it, and must not keep.

import { closeSync, openSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { readCgroupLayout } from "#kernel/cgroups/layout.ts";

/** It leaves the command's cgroups for the root of each hierarchy: else it would count against the limits of whoever came first, and
 *  be frozen, killed or waited for with that. As an unprivileged user it stays where it is, and ends after its linger time. */
export function settle(): void {
  process.chdir("/");
  for (const fd of [1, 2]) {
    closeSync(fd);
    openSync("/dev/null", "w"); // the lowest number is free again
  }
  try {
    writeFileSync("/proc/self/oom_score_adj", "0");
  } catch {
    // raising it is always allowed, lowering it is not
  }
  const { v1, v2 } = readCgroupLayout();
  for (const { mountPoint } of [...v1, ...(v2 === undefined ? [] : [v2])])
    writeFile(`${mountPoint}/cgroup.procs`, String(process.pid)).catch(() => {});
}
