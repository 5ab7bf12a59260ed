// Containers with a user namespace of their own: whose files their root owns, and what they ask for.

import { chownSync } from "node:fs";
import { join } from "node:path";
import type { IdMapping, Linux } from "#spec/oci-runtime.ts";

/** The machine's number of the container's root. */
export const BASE = 300_000;
export const whole: readonly IdMapping[] = [{ containerID: 0, hostID: BASE, size: 65_536 }];
export const maps: Pick<Linux, "uidMappings" | "gidMappings"> = { uidMappings: whole, gidMappings: whole };
export const withUser = ["mount", "uts", "pid", "ipc", "network", "user"] as const;

/** Gives what a root file system of a container machine has to the container's root. */
export function giveToRoot(root: string): void {
  for (const path of ["", "tmp", "etc", "work"]) chownSync(join(root, path), BASE, BASE);
}
