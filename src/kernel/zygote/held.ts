// What a process holds that a plan has run in (Executor.hold), seen from here.

import { SLOT_BASE } from "../plan/ops.ts";
import { type OwnedFd, openFlags, openPath, owned } from "../trees/calls.ts";

/** What is in a slot, as a path. It stays what it is when the process ends, but for what was mounted below it. */
export const openSlot = (pid: number, slot: number): OwnedFd =>
  owned(openPath(`/proc/${pid}/fd/${SLOT_BASE + slot}`, openFlags.path));
