// Writes native/ops.gen.h and ops.gen.c from the tables of the plan's operations: codes, structs, a bounds-checked decoder,
// and which handler or system call runs each.
//   node tools/gen-ops.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FieldKind } from "../src/kernel/plan/field-kinds.ts";
import { opCalls } from "../src/kernel/plan/op-calls.table.ts";
import { opFields } from "../src/kernel/plan/op-fields.table.ts";
import { planVersion } from "../src/kernel/plan/wire-version.ts";

/** What a field is in C, and how it is read. */
type Kind = readonly [type: string, read: string];

const u32: Kind = ["uint32_t ", "read_u32"];
const u64: Kind = ["uint64_t ", "read_u64"];

const kinds: Readonly<Record<FieldKind, Kind>> = {
  u32: u32,
  i32: u32,
  slot: ["uint32_t ", "read_slot"],
  optSlot: ["uint32_t ", "read_optional_slot"],
  bool: u32,
  u64: u64,
  i64: u64,
  str: ["const char *", "read_string"],
  optStr: ["const char *", "read_optional_string"],
  bytes: ["struct bytes ", "read_bytes"],
  strs: ["struct list ", "read_string_list"],
  numbers: ["struct list ", "read_u32_list"],
  blobs: ["struct list ", "read_bytes_list"],
  times: ["struct times ", "read_times"],
  attributes: ["struct attributes ", "read_attributes"],
};

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

interface Operation {
  readonly key: string;
  readonly name: string;
  readonly code: string;
  readonly members: readonly {
    readonly name: string;
    readonly kind: FieldKind;
    readonly type: string;
    readonly read: string;
  }[];
}

const operations: readonly Operation[] = Object.entries(opFields).map(([key, fields]) => ({
  key,
  name: snake(key),
  code: `OP_${snake(key).toUpperCase()}`,
  members: fields.map(([field, kind]) => ({
    name: snake(field),
    kind,
    type: kinds[kind][0],
    read: kinds[kind][1],
  })),
}));

const calls = new Map(Object.entries(opCalls));

const structOf = ({ name, members }: Operation): string[] =>
  members.length === 0
    ? []
    : [`struct op_${name} {`, ...members.map((member) => `\t${member.type}${member.name};`), "};", ""];

const prototypeOf = ({ name, members }: Operation): string =>
  `int do_${name}(struct context *context${members.length === 0 ? "" : `, const struct op_${name} *op`});`;

const readerOf = ({ name, code, members }: Operation): string[] => [
  `\tcase ${code}:`,
  ...members.map((member) => `\t\top->${name}.${member.name} = ${member.read}(reader);`),
  "\t\tbreak;",
];

/** An argument in C: fields of the operation by their names. */
function argument({ name, members }: Operation, text: string): string {
  const written = members.reduce((found, member) => {
    const field = `op->${name}.${member.name}`;
    const value = member.kind === "slot" ? `slot_fd(${field})` : field;
    return found.replaceAll(new RegExp(`(?<![\\w.>])${member.name}\\b`, "g"), value);
  }, text);
  return `(long)${/^[\w.>-]+$/.test(written) ? written : `(${written})`}`;
}

/** C that runs the operation: 0 or a negative errno. */
function runnerOf(operation: Operation): string {
  const { key, name, members } = operation;
  const system = calls.get(key);
  if (system === undefined) return `do_${name}(context${members.length === 0 ? "" : `, &op->${name}`})`;
  const [, call = "", list = ""] = /^(\w+)\((.*)\)$/.exec(system.call) ?? [];
  const given = list === "" ? [] : list.split(", ").map((text) => argument(operation, text));
  return `checked(context, "${system.label ?? call}", syscall(${[`SYS_${call}`, ...given].join(", ")}))`;
}

function caseOf(operation: Operation): string[] {
  const { name, code, members } = operation;
  const run = runnerOf(operation);
  const mayMiss = members.some((member) => member.name === "missing_ok");
  return [
    `\tcase ${code}:`,
    `\t\treturn ${mayMiss ? `unless_missing(${run}, op->${name}.missing_ok)` : run};`,
  ];
}

const written = "/* Written by tools/gen-ops.ts from src/kernel/plan/op-*.table.ts. Do not edit. */";

export function generateHeader(): string {
  const withMembers = operations.filter(({ members }) => members.length > 0);
  return [
    written,
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
    "void read_op_fields(struct reader *reader, struct op *op);",
    "",
    "struct context;",
    "/* 0 or a negative errno. */",
    "int perform(struct context *context, const struct op *op);",
    "",
    "/* The handlers: what is not a single system call. */",
    ...operations.filter(({ key }) => !calls.has(key)).map(prototypeOf),
    "",
    "#endif",
    "",
  ].join("\n");
}

export function generateSource(): string {
  return [
    written,
    "#define _GNU_SOURCE",
    "#include <errno.h>",
    "#include <fcntl.h>",
    "#include <linux/close_range.h>",
    "#include <linux/keyctl.h>",
    "#include <string.h>",
    "#include <sys/ioctl.h>",
    "#include <sys/syscall.h>",
    "#include <unistd.h>",
    "",
    '#include "run.h"',
    "",
    "void read_op_fields(struct reader *reader, struct op *op)",
    "{",
    "\tswitch (op->code) {",
    ...operations.flatMap(readerOf),
    "\tcase OP_COUNT:",
    "\t\treader->bad = true;",
    "\t}",
    "}",
    "",
    "int perform(struct context *context, const struct op *op)",
    "{",
    "\tswitch (op->code) {",
    ...operations.flatMap(caseOf),
    "\tcase OP_COUNT:",
    "\t\tbreak;",
    "\t}",
    '\treturn refuse(context, "run", ENOSYS);',
    "}",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const native = join(import.meta.dirname, "../native");
  writeFileSync(join(native, "ops.gen.h"), generateHeader());
  writeFileSync(join(native, "ops.gen.c"), generateSource());
}
