// Plans -> wire.

import type { Plan } from "./ops.ts";
import { Assembler } from "./steps/assembler.ts";
import { compileOp } from "./steps/compile-op.ts";
import { WireWriter } from "./wire.ts";
import { planVersion } from "./wire-version.ts";

/** Of an operation: more than most need. */
const OPERATION_SIZE = 1 << 10;

/** u32 version, u32 number of operations, operations. */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new WireWriter(OPERATION_SIZE * plan.length);
  writer.u32(planVersion);
  writer.u32(plan.length);
  const code = new Assembler();
  for (const op of plan) {
    code.begin(op);
    compileOp(code, op);
    code.write(writer);
  }
  return writer.finish();
}
