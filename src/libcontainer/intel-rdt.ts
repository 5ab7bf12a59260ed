// Shares of the processors' caches and memory bandwidth (linux.intelRdt): refused, in runc's words where the machine has none to share.

import { invalid, unsupported } from "#base/errors.ts";
import type { IntelRdt, Spec } from "#spec/oci-runtime.ts";
import type { HostFacts } from "./host-facts.ts";

export function checkIntelRdt({ linux }: Spec, { resctrl }: Pick<HostFacts, "resctrl">): void {
  const settings: IntelRdt = linux?.intelRdt ?? {};
  const { closID = "", l3CacheSchema = "", memBwSchema = "" } = settings;
  if (closID === "." || closID === ".." || closID.includes("/"))
    throw invalid(`invalid intelRdt.ClosID ${JSON.stringify(closID)}`);
  const missing = (setting: string, feature: string): Error =>
    invalid(`intelRdt.${setting} is specified in config, but Intel RDT/${feature} is not enabled`);
  if (l3CacheSchema !== "" && resctrl?.has("L3") !== true) throw missing("l3CacheSchema", "CAT");
  if (memBwSchema !== "" && resctrl?.has("MB") !== true) throw missing("memBwSchema", "MBA");
  if (Object.keys(settings).length > 0) throw unsupported("linux.intelRdt");
}
