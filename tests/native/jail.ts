// Plans that are tried on a folder beside which lies what they must not reach.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Op, OpBody, Plan } from "#kernel/plan/ops.ts";
import { type NativeMachine, never } from "./native-machine.ts";

export const O_PATH_DIRECTORY = 0o12200000;
export const why = (body: OpBody): Op => ({ ...body, why: "test" });

/** Mounts that follow end with the plan's process. */
export const ownMounts: Plan = [
  why({ op: "unshare", flags: 0x2_0000 }),
  why({ op: "mountAttr", target: "/", set: 0, clear: 0, propagation: 1 << 18, recursive: true }),
];

/** A root folder in slot 0, beside a folder that nothing may reach. */
export function makeJail(machine: NativeMachine): {
  readonly jail: string;
  readonly outside: string;
  readonly open: Op;
} {
  const jail = join(machine.folder, "jail");
  const outside = join(machine.folder, "outside");
  mkdirSync(jail);
  mkdirSync(outside);
  return { jail, outside, open: why({ op: "open", path: jail, flags: O_PATH_DIRECTORY, slot: 0 }) };
}

export async function failureOf(machine: NativeMachine, plan: Plan): Promise<PlanError> {
  try {
    await machine.executor.run(plan, never);
  } catch (error) {
    if (error instanceof PlanError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "the plan did not fail" });
}
