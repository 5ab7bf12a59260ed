// A session keyring of the container's own, so that it does not inherit the daemon's.

import type { Plan } from "#kernel/plan/ops.ts";
import type { HostFacts } from "../host-facts.ts";

/** The name lets a further process of the container join the same one. */
export const planKeyring = (id: string, host: HostFacts): Plan =>
  host.hasKeyrings ? [{ op: "joinSessionKeyring", why: "session keyring", name: `_ses.${id}` }] : [];
