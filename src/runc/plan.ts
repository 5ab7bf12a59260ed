// What creating a container from a bundle would do: in words, one operation a line, or as data. Needs no privilege and changes nothing.

import { invalid } from "#base/errors.ts";
import { describeOp } from "#kernel/plan/describe-op.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { loadBundle } from "./bundle.ts";
import { type Given, lastOf } from "./command-line.ts";
import type { Deps } from "./create.ts";

const formats: Readonly<Record<string, (op: Op, index: number) => string>> = {
  text: (op, index) => `${String(index).padStart(3)}  ${describeOp(op)}  # ${op.why}\n`,
  json: (op, index) => `${JSON.stringify({ index, call: describeOp(op), ...plainFields(op) })}\n`,
};

export async function planCommand(
  { runtime, caller }: Deps,
  given: Given,
  directory: string,
): Promise<number> {
  const format = formats[lastOf(given, "format") ?? "text"];
  if (format === undefined) throw invalid("invalid format option");
  const { path, spec } = loadBundle(caller, directory);
  const plan = runtime.compile({ id: "plan", spec, stateDir: path });
  await caller.write(1, plan.map(format).join(""));
  return 0;
}

const plainFields = (op: Op): object =>
  Object.fromEntries(Object.entries(op).map(([name, value]) => [name, plainValue(value)]));

/** Bytes in base64, large numbers as text. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return Array.isArray(value) ? value.map(plainValue) : value;
}
