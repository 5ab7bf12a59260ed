// GET /distribution/{name}/json: what a registry has under a name, without pulling it.

import { parseReference, withDefaultTag } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { Descriptor, Platform } from "#spec/oci-image.ts";
import type { ImageDeps } from "./image-deps.ts";

export interface DistributionInfo {
  readonly descriptor: Descriptor;
  readonly platforms: readonly Platform[];
}

export async function inspectDistribution(
  deps: Pick<ImageDeps, "puller">,
  name: string,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<DistributionInfo> {
  return await deps.puller.describe(withDefaultTag(parseReference(name)), credentials, signal);
}
