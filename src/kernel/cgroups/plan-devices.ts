// Operations that give a cgroup the device policy of a container.

import type { Op } from "../plan/ops.ts";
import { buildDeviceProgram } from "./device-program.ts";
import { containerDevicePolicy, deviceWrites } from "./device-rules.ts";
import { type CgroupPaths, findController } from "./paths.ts";
import { planWrite } from "./plan-write.ts";
import type { DeviceRule } from "./resources.ts";

const why = "linux.resources.devices";

/** For a new cgroup, which denies nothing yet. Without rules only what every container may do is allowed, as runc does. A machine
 *  without the version 1 controller, or a user without the right to it, has no policy. */
export function planDevices(paths: CgroupPaths, rules: readonly DeviceRule[] = []): readonly Op[] {
  const directory = findController(paths, "devices");
  if (directory === undefined) return [];
  const policy = containerDevicePolicy(rules);
  if (policy.allow && policy.exceptions.length === 0) return [];
  if (paths.v2 !== undefined)
    return [{ op: "bpfDevice", why, path: directory, program: buildDeviceProgram(policy) }];
  return deviceWrites(policy).map(({ file, value }) => planWrite(`${directory}/${file}`, value, why));
}
