// Writes src/proto/*.proto from the field tables of ../shared/reference, and generates src/proto/gen with buf.
// Usage: node tools/gen-proto.ts [FOLDER OF THE TABLES]

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Table -> packages -> file name. One file per protobuf package. */
const sources: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "containerd-services.tsv": {
    "containerd.events": "events",
    "containerd.runc.v1": "runc-options",
    "containerd.services.containers.v1": "containers",
    "containerd.services.content.v1": "content",
    "containerd.services.diff.v1": "diff",
    "containerd.services.events.v1": "event-service",
    "containerd.services.images.v1": "images",
    "containerd.services.introspection.v1": "introspection",
    "containerd.services.leases.v1": "leases",
    "containerd.services.namespaces.v1": "namespaces",
    "containerd.services.snapshots.v1": "snapshots",
    "containerd.services.tasks.v1": "tasks",
    "containerd.services.version.v1": "version",
    "containerd.types": "containerd-types",
    "containerd.v1.types": "task-types",
  },
  "misc-proto.tsv": { "io.containerd.cgroups.v1": "cgroup-metrics" },
};
/** Messages of the tables that nothing we speak refers to. */
const unused = new Set(["containerd.types.Sandbox", "containerd.services.events.v1.Envelope"]);

const wellKnown: Readonly<Record<string, string>> = {
  "google.protobuf.Any": "google/protobuf/any.proto",
  "google.protobuf.Empty": "google/protobuf/empty.proto",
  "google.protobuf.FieldMask": "google/protobuf/field_mask.proto",
  "google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
  "google.rpc.Status": "rpc-status.proto",
};

interface Row {
  readonly kind: string;
  readonly pkg: string;
  readonly parent: string;
  readonly name: string;
  readonly number: string;
  readonly type: string;
  readonly label: string;
  readonly mode: string;
}

function readRows(path: string): readonly Row[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [kind = "", pkg = "", parent = "", name = "", number = "", type = "", label = "", mode = ""] =
        line.split("\t");
      return { kind, pkg, parent, name, number, type, label, mode };
    })
    .filter(({ pkg, parent }) => ![...unused].some((name) => belongs(`${pkg}.${parent}`, name)));
}

const belongs = (name: string, to: string): boolean => name === to || name.startsWith(`${to}.`);

function importsOf(rows: readonly Row[], pkg: string, files: Readonly<Record<string, string>>): string[] {
  const types = rows
    .flatMap(({ kind, type, label }) => (kind === "rpc" ? [type, label] : kind === "field" ? [type] : []))
    .flatMap((type) => (type.startsWith("map<") ? type.slice(4, -1).split(",") : [type]));
  const paths = types.flatMap((type) => {
    const known = wellKnown[type];
    if (known !== undefined) return [known];
    const found = Object.keys(files)
      .filter((other) => other !== pkg && [type, `containerd.${type}`].some((name) => belongs(name, other)))
      .sort((a, b) => b.length - a.length)[0];
    return found === undefined ? [] : [`${files[found]}.proto`];
  });
  return [...new Set(paths)].sort();
}

function printMessage(name: string, rows: readonly Row[], indent: string): readonly string[] {
  const inner = `${indent}  `;
  const nested = rows.filter(
    ({ kind, parent }) =>
      kind === "message" && parent.startsWith(`${name}.`) && !parent.slice(name.length + 1).includes("."),
  );
  const fields = rows.filter(({ kind, parent }) => kind === "field" && parent === name);
  return [
    `${indent}message ${name.split(".").at(-1)} {`,
    ...nested.flatMap(({ parent }) => printMessage(parent, rows, inner)),
    ...fields.map((field) => {
      const label = /^(repeated|optional)$/.test(field.label) ? `${field.label} ` : "";
      return `${inner}${label}${field.type.replace(",", ", ")} ${field.name} = ${field.number};`;
    }),
    `${indent}}`,
  ];
}

function printEnum(name: string, rows: readonly Row[]): readonly string[] {
  const values = rows.filter(({ kind, parent }) => kind === "enumvalue" && parent === name);
  return [`enum ${name} {`, ...values.map((value) => `  ${value.name} = ${value.number};`), "}"];
}

function printService(name: string, rows: readonly Row[]): readonly string[] {
  const calls = rows.filter(({ kind, parent }) => kind === "rpc" && parent === name);
  const stream = (mode: string, side: string): string => (mode.includes(`${side}-stream`) ? "stream " : "");
  return [
    `service ${name} {`,
    ...calls.map(
      (call) =>
        `  rpc ${call.name}(${stream(call.mode, "client")}${call.type}) returns (${stream(call.mode, "server")}${call.label});`,
    ),
    "}",
  ];
}

function printFile(pkg: string, rows: readonly Row[], files: Readonly<Record<string, string>>): string {
  const own = rows.filter((row) => row.pkg === pkg);
  const named = (kind: string): readonly string[] =>
    own.filter((row) => row.kind === kind && !row.parent.includes(".")).map(({ parent }) => parent);
  return [
    "// Written by tools/gen-proto.ts from the field tables; do not edit.",
    'syntax = "proto3";',
    `package ${pkg};`,
    ...importsOf(own, pkg, files).map((path) => `import "${path}";`),
    ...named("enum").flatMap((name) => ["", ...printEnum(name, own)]),
    ...named("message").flatMap((name) => ["", ...printMessage(name, own, "")]),
    ...named("service").flatMap((name) => ["", ...printService(name, own)]),
    "",
  ].join("\n");
}

const folder = process.argv[2] ?? join(import.meta.dirname, "..", "..", "shared", "reference");
const target = join(import.meta.dirname, "..", "src", "proto");
for (const [table, files] of Object.entries(sources)) {
  const rows = readRows(join(folder, table));
  for (const [pkg, name] of Object.entries(files))
    writeFileSync(join(target, `${name}.proto`), printFile(pkg, rows, files));
}
execFileSync("buf", ["generate"], { cwd: target, stdio: "inherit" });
