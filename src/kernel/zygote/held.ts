// A process that a plan has run in and that stays until it is disposed, so that what it has opened and mounted can be used from here.

import { SLOT_BASE } from "../plan/ops.ts";
import { type OwnedFd, openFlags, openPath, owned } from "../trees/calls.ts";
import { openSession } from "./connect.ts";

/** Operations, encoded back to back, and why each is there. */
export interface EncodedPlan {
  readonly plan: Uint8Array;
  readonly whys: readonly string[];
}

export interface HeldProcess extends AsyncDisposable {
  readonly pid: number;
}

/** Rejects with PlanError. */
export async function openHeld(
  socket: string,
  { plan, whys }: EncodedPlan,
  signal: AbortSignal,
): Promise<HeldProcess> {
  await using undo = new AsyncDisposableStack();
  const session = undo.use(await openSession(socket, signal));
  const [[stat] = []] = [await session.ask({ op: "read", why: "its pid", path: "/proc/self/stat" })];
  await session.writeEncoded(plan, whys);
  await session.askAll([{ op: "umask", why: "the plan has run", mask: 0 }]);
  const pid = Number.parseInt(Buffer.from(stat ?? "").toString("latin1"), 10);
  const held = undo.move();
  return { pid, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What the process holds in a slot, as a path. It stays what it is when the process ends, but for what was mounted below it. */
export const openSlot = (pid: number, slot: number): OwnedFd =>
  owned(openPath(`/proc/${pid}/fd/${SLOT_BASE + slot}`, openFlags.path));
