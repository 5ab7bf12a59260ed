// Whether the host has a network interface of a name.

import { access } from "node:fs/promises";

/** Directories beside those of the interfaces. */
const NO_LINKS = new Set([".", "..", "all", "default"]);

/** In this process' network namespace, whatever /sys shows. */
export async function linkExists(name: string): Promise<boolean> {
  if (NO_LINKS.has(name) || name.includes("/")) return false;
  return await access(`/proc/sys/net/ipv4/conf/${name}`).then(
    () => true,
    () => false,
  );
}
