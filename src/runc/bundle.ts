// The folder of a container that is to be: config.json and the root file system.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { claimed, isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type Caller, callerPath } from "./caller.ts";

export interface Bundle {
  readonly path: string;
  /** root.path is absolute. */
  readonly spec: Spec;
  readonly rootfs: string;
}

export function loadBundle(caller: Caller, directory: string): Bundle {
  const path = callerPath(caller, directory);
  if (!existsSync(path)) throw invalid(`chdir ${directory}: no such file or directory`);
  const config = join(path, "config.json");
  if (!existsSync(config)) throw invalid("JSON specification file config.json not found");
  const spec = readDocument<Spec>(readFileSync(config, "utf8"));
  if (!/^1\.\d+\.\d+/.test(spec.ociVersion ?? ""))
    throw invalid(`unsupported spec version: ${spec.ociVersion ?? ""}`);
  checkSupported(spec);
  const rootfs = resolve(path, spec.root?.path ?? "");
  if (spec.root === undefined) throw invalid("root must be specified");
  if (!existsSync(rootfs) || !statSync(rootfs).isDirectory())
    throw invalid(`invalid rootfs: stat ${rootfs}: no such file or directory`);
  return { path, rootfs, spec: { ...spec, root: { ...spec.root, path: rootfs } } };
}

export function readDocument<T>(text: string): T {
  const parsed = parseGoJson(text);
  if (parsed.kind === "value" && isRecord(parsed.value)) return claimed<T>(parsed.value);
  throw invalid(parsed.kind === "error" ? parsed.message : "unexpected end of JSON input");
}

/** Parts of a specification that would be passed over are refused by name. */
const unsupportedParts = {
  "": ["hooks", "windows", "vm", "solaris", "zos"],
  process: ["apparmorProfile", "selinuxLabel", "scheduler", "ioPriority"],
  linux: ["intelRdt", "mountLabel", "personality"],
} as const;

export const refusedParts: ReadonlySet<string> = new Set(
  Object.entries(unsupportedParts).flatMap(([part, fields]) =>
    fields.map((field) => (part === "" ? field : `${part}.${field}`)),
  ),
);

function checkSupported(spec: unknown): void {
  for (const [part, fields] of Object.entries(unsupportedParts)) {
    const holder = part === "" ? spec : isRecord(spec) ? spec[part] : undefined;
    const found = isRecord(holder) ? fields.find((field) => isPresent(holder[field])) : undefined;
    if (found !== undefined)
      throw invalid(`${part === "" ? "" : `${part}.`}${found} is not supported by this version of Gantry`);
  }
}

const isPresent = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== "" &&
  !(isRecord(value) && Object.keys(value).length === 0);
