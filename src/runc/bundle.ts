// The folder of a container that is to be: config.json and the root file system.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { DecodeError } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseExactJson } from "#formats/exact-json.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { decodeSpec } from "#spec/oci-runtime-decode.ts";
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
  const spec = readDocument(readFileSync(config, "utf8"), decodeSpec);
  if (!/^1\.\d+\.\d+/.test(spec.ociVersion)) throw invalid(`unsupported spec version: ${spec.ociVersion}`);
  const rootfs = resolve(path, spec.root?.path ?? "");
  if (spec.root === undefined) throw invalid("root must be specified");
  if (!existsSync(rootfs) || !statSync(rootfs).isDirectory())
    throw invalid(`invalid rootfs: stat ${rootfs}: no such file or directory`);
  return { path, rootfs, spec: { ...spec, root: { ...spec.root, path: rootfs } } };
}

/** A JSON document from a file; numbers keep all 64 bits for the decoder. */
export function readDocument<T>(text: string, decode: (value: unknown) => T): T {
  const parsed = parseGoJson(text);
  if (parsed.kind !== "value")
    throw invalid(parsed.kind === "error" ? parsed.message : "unexpected end of JSON input");
  try {
    return decode(parseExactJson(text));
  } catch (error) {
    throw error instanceof DecodeError ? invalid(error.message, { cause: error }) : error;
  }
}

/** Parts of a specification that libcontainer refuses by name. */
export const refusedParts: ReadonlySet<string> = new Set(["linux.mountLabel", "linux.intelRdt"]);
