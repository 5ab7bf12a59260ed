// The plan of a container for people: each operation as system calls, and why it is there.

import type { ExplainedOp } from "#containerd/tasks/tasks.ts";
import { describeOp } from "#kernel/plan/describe-op.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { ShimCreate } from "#shim/shim.ts";

export const explainPlan =
  (host: HostFacts) =>
  ({ id, spec, rootfs, stateDir }: ShimCreate): readonly ExplainedOp[] =>
    compileContainer(spec, { id, rootfs, bundle: stateDir, host }).plan.map((op, index) => ({
      index,
      host: op.host ?? false,
      why: op.why,
      call: describeOp(op),
    }));
