// Limits whose files are the same in both versions.

import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { given, setting } from "./setting.ts";

export const cpusetSettings = (cpu: CgroupResources["cpu"]): readonly CgroupSetting[] =>
  given("cpuset", [
    ["cpuset.cpus", cpu?.cpus || undefined],
    ["cpuset.mems", cpu?.mems || undefined],
  ]);

export const pidsSettings = (pids: CgroupResources["pids"]): readonly CgroupSetting[] =>
  pids === undefined || pids.limit === 0
    ? []
    : [setting("pids", "pids.max", pids.limit > 0 ? pids.limit : "max")];

export const rdmaSettings = (limits: CgroupResources["rdma"] = {}): readonly CgroupSetting[] =>
  Object.entries(limits).map(([device, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? "" : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? "" : ` hca_object=${hcaObjects}`;
    return setting("rdma", "rdma.max", `${device}${handles}${objects}`);
  });
