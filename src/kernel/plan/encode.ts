// Plans -> wire.

import type { Plan } from "./ops.ts";
import { Assembler } from "./steps/assembler.ts";
import { compileOp } from "./steps/compile-op.ts";
import { WireWriter } from "./wire.ts";
import { planVersion } from "./wire-version.ts";

/** Of a container, about. */
const PLAN_SIZE = 64 << 10;

/** u32 version, u32 number of operations, operations. */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new WireWriter(PLAN_SIZE);
  writer.u32(planVersion);
  writer.u32(plan.length);
  return encodeTo(writer, plan);
}

/** Operations one behind the other. */
export const encodeOps = (plan: Plan): Uint8Array => encodeTo(new WireWriter(), plan);

function encodeTo(writer: WireWriter, plan: Plan): Uint8Array {
  const code = new Assembler();
  for (const op of plan) {
    code.begin(op);
    compileOp(code, op);
    code.write(writer);
  }
  return writer.finish();
}
