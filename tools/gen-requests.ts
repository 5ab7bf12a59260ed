// Writes native/requests.gen.h and requests.gen.c from the table of requests: structs, a bounds-checked decoder, and the handler of each.
//   node tools/gen-requests.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requests } from "../src/shim/native/requests.table.ts";

/** What a field is in C, and how it is read. */
const kinds = {
  u32: ["uint32_t ", "read_u32(&reader)"],
  u64: ["uint64_t ", "read_u64(&reader)"],
  bool: ["bool ", "read_u32(&reader)"],
  str: ["const char *", "read_string(&reader)"],
  living: ["struct process *", "find_living(us, read_string(&reader))"],
  bytes: ["struct bytes ", "read_bytes(&reader)"],
} as const;

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const all = Object.entries(requests).map(([key, { letter, fields }]) => ({
  name: snake(key),
  letter,
  members: fields.map(([field, kind]) => ({
    field: snake(field),
    type: kinds[kind][0],
    isNeeded: kind === "living",
    read: kinds[kind][1],
  })),
}));

const written = "/* Written by tools/gen-requests.ts from src/shim/native/requests.table.ts. Do not edit. */";

export const generateRequestsHeader = (): string =>
  [
    written,
    "#ifndef GANTRY_REQUESTS_GEN_H",
    "#define GANTRY_REQUESTS_GEN_H",
    '#include "wire.h"',
    "",
    "struct supervisor;",
    "struct connection;",
    "struct process;",
    "",
    ...all.flatMap(({ name, members }) =>
      members.length === 0
        ? []
        : [`struct request_${name} {`, ...members.map(({ type, field }) => `\t${type}${field};`), "};", ""],
    ),
    "struct request {",
    "\tstruct connection *from;",
    "\tuint32_t number;",
    "\tstruct frame *frame; /* a handler may take it, as strings and bytes lie there */",
    "\tunion {",
    ...all.flatMap(({ name, members }) =>
      members.length === 0 ? [] : [`\t\tstruct request_${name} ${name};`],
    ),
    "\t};",
    "};",
    "",
    "/* The handlers: 1 if it is done, 0 if the reply was or will be given, or a negative errno. */",
    ...all.map(({ name }) => `int on_${name}(struct supervisor *us, struct request *request);`),
    "",
    "/* NULL: none of that id, or it has ended. */",
    "struct process *find_living(const struct supervisor *us, const char *id);",
    "",
    "/* Decodes the request in its frame, and calls its handler. */",
    "int serve_request(struct supervisor *us, struct request *request);",
    "",
    "#endif",
    "",
  ].join("\n");

export const generateRequests = (): string =>
  [
    written,
    '#include "requests.gen.h"',
    "",
    "#include <errno.h>",
    "",
    "int serve_request(struct supervisor *us, struct request *request)",
    "{",
    "\tstruct reader reader = { .at = request->frame->body, .end = request->frame->body + request->frame->size };",
    "\trequest->number = read_u32(&reader);",
    "\tswitch (request->frame->type) {",
    ...all.flatMap(({ name, letter, members }) => [
      `\tcase '${letter}':`,
      ...members.map(({ field, read }) => `\t\trequest->${name}.${field} = ${read};`),
      ...members.flatMap(({ field, isNeeded }) =>
        isNeeded ? [`\t\tif (!request->${name}.${field})`, "\t\t\treturn -ESRCH;"] : [],
      ),
      `\t\treturn reader.bad ? -EBADMSG : on_${name}(us, request);`,
    ]),
    "\t}",
    "\treturn -EBADMSG;",
    "}",
    "",
  ].join("\n");

if (import.meta.main) {
  const native = join(import.meta.dirname, "../native");
  writeFileSync(join(native, "requests.gen.h"), generateRequestsHeader());
  writeFileSync(join(native, "requests.gen.c"), generateRequests());
}
