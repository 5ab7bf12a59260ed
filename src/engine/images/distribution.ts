// GET /distribution/{name}/json: what a registry has under a name, without pulling it.

import { EngineError, type ErrorKind, systemError } from "#base/errors.ts";
import { RegistryRefusal } from "#containerd/registry/registry-failure.ts";
import { parseAnyReference, withDefaultTag } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { Descriptor, Platform } from "#spec/oci-image.ts";
import type { ImageDeps } from "./image-deps.ts";

export interface DistributionInfo {
  readonly descriptor: Descriptor;
  readonly platforms: readonly Platform[];
}

const KIND_OF: Readonly<Record<string, ErrorKind>> = {
  DENIED: "forbidden",
  MANIFEST_UNKNOWN: "notFound",
  NAME_UNKNOWN: "notFound",
  UNAUTHORIZED: "unauthorized",
};

/** Rejects with the registry's refusal in its own words. */
export async function inspectDistribution(
  deps: Pick<ImageDeps, "puller">,
  name: string,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<DistributionInfo> {
  const wanted = parseAnyReference(name);
  if (wanted.kind === "id") throw systemError("no manifest found for full image ID");
  try {
    return await deps.puller.describe(withDefaultTag(wanted.reference), credentials, signal);
  } catch (error) {
    throw error instanceof RegistryRefusal
      ? new EngineError(KIND_OF[error.code] ?? "system", error.told, { cause: error })
      : error;
  }
}
