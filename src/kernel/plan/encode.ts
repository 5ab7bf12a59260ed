// Plans -> wire.

import type { Op, Plan } from "./ops.ts";
import { Assembler } from "./steps/assembler.ts";
import { compileOp } from "./steps/compile-op.ts";
import { WireWriter } from "./wire.ts";
import { planVersion } from "./wire-version.ts";

/** What is kept of an operation has at most. */
const MOST_KEPT = 2 << 10;
/** Used again and again: what each plan took by itself would stay until a collection of everything. */
const writer = new WireWriter(64 << 10);

/** Not kept: what JSON cannot tell, or only slowly, and what may hold somebody's secrets. */
const unkept: ReadonlySet<Op["op"]> = new Set([
  "exec",
  "spawn",
  "write",
  "seccomp",
  "bpfDevice",
  "rlimit",
  "capBounding",
  "capset",
  "capAmbient",
  "schedSetattr",
  "netlink",
  "removeLink",
]);

/** Programs by what they do. Containers are much alike: most of what one does, another has done. */
const assembled = new Map<string, Uint8Array>();
const MOST = 1024;

/** u32 version, u32 number of operations, operations. */
export function encodePlan(plan: Plan): Uint8Array {
  writer.clear();
  writer.u32(planVersion);
  writer.u32(plan.length);
  const code = new Assembler();
  for (const op of plan) {
    const key = unkept.has(op.op) ? undefined : JSON.stringify(op);
    const known = key === undefined ? undefined : assembled.get(key);
    if (known !== undefined) {
      writer.raw(known);
      continue;
    }
    const from = writer.size;
    code.begin(op);
    compileOp(code, op);
    code.write(writer);
    if (key !== undefined && writer.size - from <= MOST_KEPT) keep(key, writer.finish().subarray(from));
  }
  return Buffer.from(writer.finish());
}

function keep(key: string, program: Uint8Array): void {
  if (assembled.size === MOST) assembled.clear();
  assembled.set(key, Uint8Array.from(program));
}
