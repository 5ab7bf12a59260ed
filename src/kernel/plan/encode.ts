// Op and Plan -> wire.

import type { Field, OpName } from "./field-kinds.ts";
import { opFields } from "./op-fields.table.ts";
import type { Op, Plan } from "./ops.ts";
import { encodeFields, WireWriter } from "./wire.ts";
import { planVersion } from "./wire-version.ts";

const FLAG_HOST = 1;
const FLAG_MAY_FAIL = 2;

const codes = new Map<string, number>(Object.keys(opFields).map((name, index) => [name, index]));
const layouts: Readonly<Record<OpName, readonly Field[]>> = opFields;

/** u16 code, u16 flags, u32 size of the fields, fields. */
function writeOp(writer: WireWriter, op: Op): void {
  writer.u16(codes.get(op.op) ?? codes.size);
  writer.u16((op.host === true ? FLAG_HOST : 0) | (op.mayFail === true ? FLAG_MAY_FAIL : 0));
  const at = writer.size;
  writer.u32(0);
  encodeFields(writer, layouts[op.op], op);
  writer.setU32(at, writer.size - at - 4);
}

export function encodeOp(op: Op): Uint8Array {
  const writer = new WireWriter();
  writeOp(writer, op);
  return writer.finish();
}

/** u32 version of the operation table, u32 number of operations, operations. */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new WireWriter();
  writer.u32(planVersion);
  writer.u32(plan.length);
  for (const op of plan) writeOp(writer, op);
  return writer.finish();
}
