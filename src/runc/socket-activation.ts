// Sockets that the caller listens on for the container (sd_listen_fds(3)): the descriptors from 3 on, counted in the environment.

import type { Process } from "#spec/oci-runtime.ts";
import type { Caller } from "./caller.ts";

/** How many there are; they come before those of --preserve-fds. */
export function countListeners({ env, pid }: Pick<Caller, "env" | "pid">): number {
  const count = Number(env.LISTEN_FDS ?? 0);
  return env.LISTEN_PID === String(pid) && Number.isInteger(count) && count > 0 ? count : 0;
}

/** The program is told that they are for it. */
export const withListeners = (process: Process, count: number): Process =>
  count === 0
    ? process
    : { ...process, env: [...(process.env ?? []), `LISTEN_FDS=${count}`, "LISTEN_PID=1"] };
