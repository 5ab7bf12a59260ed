// Plans and streams of operations -> wire.

import type { Op, Plan } from "./ops.ts";
import { OpCompiler } from "./steps/compile-op.ts";
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
  const compiler = new OpCompiler();
  for (const op of plan) compiler.compile(op, writer);
  return writer.finish();
}

/** One by itself: none that goes on with an archive. */
export function encodeOp(op: Op): Uint8Array {
  return new StreamEncoder().encode(op);
}

/** Operations that come one by one. */
export class StreamEncoder {
  readonly #compiler = new OpCompiler();

  encode(op: Op): Uint8Array {
    const writer = new WireWriter();
    this.#compiler.compile(op, writer);
    return writer.finish();
  }

  /** What is still to be sent: nothing if all was complete. */
  end(): Uint8Array {
    const writer = new WireWriter();
    this.#compiler.end(writer);
    return writer.finish();
  }
}
