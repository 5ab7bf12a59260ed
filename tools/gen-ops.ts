// Writes native/ops.gen.h from the table of the plan's operations: codes, structs, and a bounds-checked decoder for each.
//   node tools/gen-ops.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FieldKind } from "../src/kernel/plan/field-kinds.ts";
import { opFields } from "../src/kernel/plan/op-fields.table.ts";
import { planVersion } from "../src/kernel/plan/wire-version.ts";

/** One member of a C struct: what it is, what it is called after the field's name, how it is read. */
type Member = readonly [type: string, suffix: string, read: string];

const u32: Member = ["uint32_t ", "", "read_u32"];
const u64: Member = ["uint64_t ", "", "read_u64"];
const text: Member = ["const char *", "", "read_string"];

const membersOf: Readonly<Record<FieldKind, readonly Member[]>> = {
  u32: [u32],
  i32: [u32],
  slot: [["uint32_t ", "", "read_slot"]],
  optSlot: [["uint32_t ", "", "read_optional_slot"]],
  bool: [u32],
  u64: [u64],
  i64: [u64],
  str: [text],
  optStr: [["const char *", "", "read_optional_string"]],
  bytes: [["struct bytes ", "", "read_bytes"]],
  strs: [["struct list ", "", "read_string_list"]],
  numbers: [["struct list ", "", "read_u32_list"]],
  blobs: [["struct list ", "", "read_bytes_list"]],
  times: [["struct times ", "", "read_times"]],
  attributes: [["struct attributes ", "", "read_attributes"]],
};

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

interface Operation {
  readonly name: string;
  readonly code: string;
  readonly members: readonly { readonly name: string; readonly type: string; readonly read: string }[];
}

const operations: readonly Operation[] = Object.entries(opFields).map(([name, fields]) => ({
  name: snake(name),
  code: `OP_${snake(name).toUpperCase()}`,
  members: fields.flatMap(([field, kind]) =>
    membersOf[kind].map(([type, suffix, read]) => ({ name: snake(field) + suffix, type, read })),
  ),
}));

const structOf = ({ name, members }: Operation): string[] =>
  members.length === 0
    ? []
    : [`struct op_${name} {`, ...members.map((member) => `\t${member.type}${member.name};`), "};", ""];

const readerOf = ({ name, code, members }: Operation): string[] => [
  `\tcase ${code}:`,
  ...members.map((member) => `\t\top->${name}.${member.name} = ${member.read}(reader);`),
  "\t\tbreak;",
];

export function generateHeader(): string {
  const withMembers = operations.filter(({ members }) => members.length > 0);
  return [
    "/* Written by tools/gen-ops.ts from src/kernel/plan/op-fields.table.ts. Do not edit. */",
    "#ifndef GANTRY_OPS_GEN_H",
    "#define GANTRY_OPS_GEN_H",
    '#include "wire.h"',
    "",
    `#define PLAN_VERSION 0x${planVersion.toString(16)}u`,
    "",
    "enum op_code {",
    ...operations.map(({ code }) => `\t${code},`),
    "\tOP_COUNT,",
    "};",
    "",
    ...operations.flatMap(structOf),
    "struct op {",
    "\tenum op_code code;",
    "\tuint32_t marks; /* MARK_HOST, MARK_MAY_FAIL */",
    "\tunion {",
    ...withMembers.map(({ name }) => `\t\tstruct op_${name} ${name};`),
    "\t};",
    "};",
    "",
    "enum { MARK_HOST = 1, MARK_MAY_FAIL = 2 };",
    "",
    "/* Reads the fields of an operation whose code is set; what is wrong shows in reader->bad. */",
    "static inline void read_op_fields(struct reader *reader, struct op *op)",
    "{",
    "\tswitch (op->code) {",
    ...operations.flatMap(readerOf),
    "\tcase OP_COUNT:",
    "\t\treader->bad = true;",
    "\t}",
    "}",
    "",
    "#endif",
    "",
  ].join("\n");
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, "../native/ops.gen.h"), generateHeader());
