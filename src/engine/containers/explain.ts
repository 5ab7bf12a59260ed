// The plan of the container that a create request asks for: what the kernel would be asked to do. Nothing is made.

import { join } from "node:path";
import type { ExplainedOp, Tasks } from "#containerd/tasks/tasks.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import type { CreateRequest } from "./create-request.ts";
import { findDevices } from "./host-devices.ts";
import { buildSpec } from "./oci-spec.ts";
import { type ContainerPlan, type PlanContainerDeps, planContainer, recordOf } from "./plan-container.ts";
import { namedRuntime } from "./runtimes.ts";
import { scope } from "./scope.ts";
import { planIpc } from "./shared-memory.ts";
import { containerIo } from "./task-io.ts";
import { resolveUser } from "./user.ts";
import type { UserFileReader } from "./user-files.ts";

export interface ExplainDeps extends PlanContainerDeps {
  readonly tasks: Pick<Tasks, "explain">;
  readonly userFiles: Pick<UserFileReader, "known">;
  readonly seccomp: (profile: string, capabilities: readonly string[]) => Seccomp;
  readonly containersDir: string;
}

export async function explainContainer(
  deps: ExplainDeps,
  request: CreateRequest,
  minor: number,
  signal: AbortSignal,
): Promise<readonly ExplainedOp[]> {
  const plan = await planContainer(deps, request, minor, signal);
  const record = describeRecord(deps, plan, request);
  const spec = buildSpec({
    record,
    user: resolveUser(
      plan.config.User,
      plan.hostConfig.GroupAdd ?? [],
      deps.userFiles.known(plan.image.chainId),
    ),
    devices: await findDevices(plan.hostConfig),
    host: deps.host,
    netns: plan.hostConfig.NetworkMode === "host" ? "" : "(network namespace of the container)",
    links: [],
    pidns: undefined,
    ipc: planIpc(deps.containers, { id: plan.id, hostConfig: plan.hostConfig }, deps.containersDir),
    etcDir: join(deps.containersDir, plan.id),
    seccomp: deps.seccomp,
  });
  const rootfs = [
    {
      destination: "",
      type: "overlay",
      source: "overlay",
      options: [
        `lowerdir=(layers of ${plan.image.name || plan.image.id})`,
        "upperdir=(new)",
        "workdir=(new)",
      ],
    },
  ];
  return deps.tasks.explain(scope, {
    ...namedRuntime(record.hostConfig.Runtime),
    containerId: plan.id,
    rootfs,
    io: containerIo(record),
    spec,
  });
}

/** The record that the container would get, with words for what only its creation decides. */
function describeRecord(deps: ExplainDeps, plan: ContainerPlan, { name }: CreateRequest) {
  const mounts = plan.mounts.map((mount) =>
    mount.type === "volume" ? { ...mount, source: `(volume ${mount.name || "without a name"})` } : mount,
  );
  const facts = { name: name || "(chosen)", createdAt: "", networks: plan.networks, mounts };
  return recordOf(plan, facts, deps.containersDir);
}
