import type { Plan } from "#kernel/plan/ops.ts";

/** A pidfd of the process goes to whoever listens at `path`, by the name that runc gives it: "standard" or "setns". */
export const planPidfd = (path: string | undefined, name: "standard" | "setns"): Plan =>
  path === undefined ? [] : [{ op: "passFd", why: `pidfd socket ${path}`, host: true, path, parts: [name] }];
