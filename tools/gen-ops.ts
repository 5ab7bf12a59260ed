// Writes native/ops.gen.h and ops.gen.c: what a step of a plan may be, and the letters of messages.
//   node tools/gen-ops.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { calls, constants, natives } from "../src/kernel/plan/steps/steps.table.ts";
import { planVersion } from "../src/kernel/plan/wire-version.ts";
import { frameTypes } from "../src/kernel/zygote/wire-frames.ts";

const written = "/* Written by tools/gen-ops.ts from the tables in src/. Do not edit. */";
const upper = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).toUpperCase();

const letters = (prefix: string, types: Readonly<Record<string, string>>): string[] =>
  Object.entries(types).map(([name, letter]) => `\t${prefix}_${upper(name)} = '${letter}',`);

export function generateHeader(): string {
  return [
    written,
    "#ifndef GANTRY_OPS_GEN_H",
    "#define GANTRY_OPS_GEN_H",
    "",
    `#define PLAN_VERSION 0x${planVersion.toString(16)}u`,
    "",
    "enum frame_type {",
    ...letters("FRAME", frameTypes),
    "};",
    "",
    "enum {",
    ...Object.entries(constants).map(([name, value]) => `\t${name} = ${value},`),
    `\tCALL_COUNT = ${calls.length},`,
    `\tSTEP_COUNT = ${calls.length + natives.length},`,
    "};",
    "",
    "/* By the number of a step: first the system calls, then the others. */",
    "extern const long call_numbers[CALL_COUNT];",
    "extern const char *const call_names[CALL_COUNT];",
    "struct machine;",
    "extern long (*const native_steps[STEP_COUNT - CALL_COUNT])(struct machine *machine, const long arguments[]);",
    "",
    ...natives.map((name) => `long step_${name}(struct machine *machine, const long a[]);`),
    "",
    "#endif",
    "",
  ].join("\n");
}

export function generateSource(): string {
  return [
    written,
    '#include "ops.gen.h"',
    "",
    "#include <sys/syscall.h>",
    "",
    "const long call_numbers[CALL_COUNT] = {",
    ...calls.map((name) => `\tSYS_${name},`),
    "};",
    "",
    "const char *const call_names[CALL_COUNT] = {",
    ...calls.map((name) => `\t"${name}",`),
    "};",
    "",
    "long (*const native_steps[STEP_COUNT - CALL_COUNT])(struct machine *, const long[]) = {",
    ...natives.map((name) => `\tstep_${name},`),
    "};",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const native = join(import.meta.dirname, "../native");
  writeFileSync(join(native, "ops.gen.h"), generateHeader());
  writeFileSync(join(native, "ops.gen.c"), generateSource());
}
