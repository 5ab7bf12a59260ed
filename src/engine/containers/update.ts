// POST /containers/{id}/update: limits and restart policy of a container that exists.

import { DecodeError } from "#base/decode.ts";
import { conflict, EngineError, invalid, prefixed } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import {
  decodeHostConfig,
  decodeUpdate,
  type HostConfig,
  type UpdateRequest,
} from "#spec/container-config.ts";
import { deviceLists, findThrottleChanges } from "./block-io.ts";
import { publishContainerEvent } from "./container-events.ts";
import { discardLimits } from "./discard-limits.ts";
import type { HostFacts } from "./host-facts.ts";
import { planResources } from "./oci-spec-resources.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { Container, ContainerStore } from "./store.ts";
import { validateRestartPolicy } from "./validate.ts";
import { validateResources } from "./validate-resources.ts";

/** The body of the request; an empty one changes nothing. */
export function decodeUpdateRequest(body: unknown, minor: number): UpdateRequest {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  try {
    const { PidsLimit, ...rest } = decodeUpdate(body, "");
    const request = minor < 55 ? withoutDevices(rest) : rest;
    return PidsLimit === undefined || minor < 40 ? request : { ...request, PidsLimit };
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`invalid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What older versions do not know. */
function withoutDevices(request: UpdateRequest): UpdateRequest {
  const left: { [K in keyof UpdateRequest]: UpdateRequest[K] } = { ...request };
  for (const name of deviceLists) delete left[name];
  return left;
}

export interface UpdateDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "update">;
  readonly events: Pick<EventBus, "publish">;
  readonly host: HostFacts;
}

export async function updateContainer(
  deps: UpdateDeps,
  reference: string,
  request: UpdateRequest,
  minor: number,
): Promise<readonly string[]> {
  const container = deps.containers.get(reference);
  using _held = await container.lock.acquire();
  const failed = `Cannot update container ${container.id}: `;
  if (container.removed || container.removing)
    throw conflict(`${failed}container is marked for removal and cannot be "update"`);
  const { limits, warnings } = discardLimits(request, deps.host, minor);
  const hostConfig = planUpdate(deps, container, limits, failed);
  try {
    if (hasProcess(container.state)) {
      const { blockIO, ...resources } = planResources(hostConfig);
      const devices = await findThrottleChanges(container.record.hostConfig, limits);
      await deps.tasks.update(scope, container.id, { ...resources, blockIO: { ...blockIO, ...devices } });
    }
  } catch (error) {
    throw error instanceof EngineError ? prefixed(failed, error) : error;
  }
  deps.containers.saveRecord(container, { hostConfig });
  publishContainerEvent(deps.events, container, "update");
  return warnings;
}

/** The settings after the update; a field that is zero is left as it was. */
function planUpdate(
  deps: UpdateDeps,
  container: Container,
  request: UpdateRequest,
  failed: string,
): HostConfig {
  const before = container.record.hostConfig;
  const {
    RestartPolicy: policy,
    PidsLimit: pids,
    PublishAdd: _add,
    PublishRemove: _remove,
    ...limits
  } = request;
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== 0 && value !== ""));
  const next: HostConfig = {
    ...before,
    ...given,
    ...(pids !== undefined && { PidsLimit: Math.max(pids, 0) }), // 0 and -1: no limit any more
    ...(policy !== undefined && policy.Name !== "" && { RestartPolicy: policy }),
  };
  validateResources({ ...decodeHostConfig({}, ""), ...limits }, deps.host, true); // what stays was validated before
  refuseConflicts(before, request, failed);
  if (policy !== undefined && policy.Name !== "") {
    if (before.AutoRemove && policy.Name !== "no")
      throw conflict(
        `${failed}Restart policy cannot be updated because AutoRemove is enabled for the container`,
      );
    validateRestartPolicy(policy, false);
  }
  return next;
}

/** What is set already and cannot be beside what is asked for. */
function refuseConflicts(before: HostConfig, request: UpdateRequest, failed: string): void {
  const { Memory: memory = 0, MemorySwap: swap = 0, NanoCpus: cpus = 0 } = request;
  const { CpuPeriod: period = 0, CpuQuota: quota = 0 } = request;
  const conflicting = "Conflicting options:";
  const conflicts: readonly (readonly [boolean, string])[] = [
    [
      cpus > 0 && before.CpuPeriod > 0,
      `${conflicting} Nano CPUs cannot be updated as CPU Period has already been set`,
    ],
    [
      cpus > 0 && before.CpuQuota > 0,
      `${conflicting} Nano CPUs cannot be updated as CPU Quota has already been set`,
    ],
    [
      period > 0 && before.NanoCpus > 0,
      `${conflicting} CPU Period cannot be updated as NanoCPUs has already been set`,
    ],
    [
      quota > 0 && before.NanoCpus > 0,
      `${conflicting} CPU Quota cannot be updated as NanoCPUs has already been set`,
    ],
    [
      memory !== 0 && memory > before.MemorySwap && swap === 0,
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    ],
  ];
  const found = conflicts.find(([holds]) => holds);
  if (found !== undefined) throw conflict(`${failed}${found[1]}`);
}
