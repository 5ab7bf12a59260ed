// The plan of a container for people: each operation as system calls, and why it is there.

import type { ExplainedOp } from "#containerd/tasks/tasks.ts";
import { describeOp } from "#kernel/plan/describe-op.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { ShimCreate } from "#shim/shim.ts";
import { createDrivers, type DriverOptions } from "./drivers.ts";

export const explainPlan =
  (host: HostFacts, binaries: DriverOptions["binaries"] = {}) =>
  (request: ShimCreate): readonly ExplainedOp[] => {
    const driver = createDrivers({ host, binaries, warn: () => {} })(request.runtime);
    return driver.compile(request).plan.map((op, index) => ({
      index,
      host: op.host ?? false,
      why: op.why,
      call: describeOp(op),
    }));
  };
