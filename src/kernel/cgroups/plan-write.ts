import type { Op } from "../plan/ops.ts";

const O_WRONLY_CLOEXEC = 0o2000001;
const text = new TextEncoder();

/** Writes a value into a file of a cgroup. */
export const planWrite = (path: string, value: string, why: string) =>
  ({ op: "write", why, path, flags: O_WRONLY_CLOEXEC, data: text.encode(value) }) as const satisfies Op;
