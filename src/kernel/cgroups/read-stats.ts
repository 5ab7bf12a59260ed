import type { CgroupPaths } from "./paths.ts";
import type { CgroupStats } from "./stats.ts";
import { readStatsV1 } from "./stats-v1.ts";
import { readStatsV2 } from "./stats-v2.ts";

/** Synchronous: reading these files takes the kernel some microseconds each and never waits for a disk. A cgroup that is gone, or that the
 *  container never had, has used nothing. */
export const readCgroupStats = (paths: CgroupPaths): CgroupStats =>
  paths.v2 === undefined ? readStatsV1(paths) : readStatsV2(paths.v2.directory);
