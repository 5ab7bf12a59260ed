// The OCI config.json inside container records.

import { DecodeError, isRecord } from "#base/decode.ts";
import type { Process, Resources, Spec } from "#spec/oci-runtime.ts";
import { decodeProcess, decodeResources, decodeSpec } from "#spec/oci-runtime-decode.ts";
import type { AnyValue } from "../containers/containers.ts";
import { invalidArgument } from "../failures.ts";

export const specType = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
export const processType = "types.containerd.io/opencontainers/runtime-spec/1/Process";
export const resourcesType = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

export function specOf(document: unknown): Spec {
  if (!isRecord(document)) throw invalidArgument("the container's spec is not an object");
  return checked(() => decodeSpec(document));
}

export const readSpec = (any: AnyValue): Spec => specOf(parse(any, "spec"));
export const readProcess = (any: AnyValue): Process => checked(() => decodeProcess(parse(any, "process")));
export const readResources = (any: AnyValue): Resources =>
  checked(() => decodeResources(parse(any, "resources")));

function checked<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) throw invalidArgument(error.message);
    throw error;
  }
}

export const packDocument = (typeUrl: string, document: Spec | Process | Resources): AnyValue => ({
  typeUrl,
  value: Buffer.from(JSON.stringify(document)),
});

function parse(any: AnyValue, what: string): unknown {
  try {
    const document: unknown = JSON.parse(Buffer.from(any.value).toString("utf8"));
    if (isRecord(document)) return document;
  } catch (cause) {
    throw invalidArgumentBecause(what, cause);
  }
  throw invalidArgument(`the ${what} is not a JSON object`);
}

const invalidArgumentBecause = (what: string, cause: unknown): Error =>
  Object.assign(invalidArgument(`the ${what} is not JSON`), { cause });
