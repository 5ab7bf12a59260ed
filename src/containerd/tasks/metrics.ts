// Resource usage of tasks, as the engine's own document packed in containerd's answer.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetricSchema } from "#proto/gen/containerd-types_pb.ts";
import { parseFilters, readerOf } from "../filters.ts";
import { toTimestamp } from "../protobuf.ts";
import type { Scope } from "../scope.ts";
import type { TaskProcess, Tasks } from "./tasks.ts";

export const metricsType = "gantry.v1.Metrics";

/** Tasks that end meanwhile are left out. */
export async function listMetrics(
  tasks: Tasks,
  scope: Scope,
  filters: readonly string[],
): Promise<MessageInitShape<typeof MetricSchema>[]> {
  const matches = parseFilters(filters);
  const wanted = (await tasks.list(scope)).filter(({ containerId }) =>
    matches(readerOf({ id: containerId, namespace: scope.namespace }, {})),
  );
  const found = await Promise.all(wanted.map((task) => readMetric(tasks, scope, task)));
  return found.filter((metric) => metric !== undefined);
}

async function readMetric(tasks: Tasks, scope: Scope, { containerId, status }: TaskProcess) {
  if (status === "stopped") return undefined;
  const document = await tasks.metrics(scope, containerId);
  return {
    timestamp: toTimestamp(Date.now()),
    id: containerId,
    data: { typeUrl: metricsType, value: Buffer.from(JSON.stringify(document)) },
  };
}
