// What an engine that died was in the middle of storing. Downloads are kept: a later pull goes on with them.

import { isKind } from "#base/errors.ts";
import { HOLDER } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";

/** Nobody can go on with content whose name was made up for one time. */
const NAMED_ONCE = /^(diff|document|import|load)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** At the engine's start. Collection removes what the leases held. */
export async function forgetUnfinished({
  content,
  leases,
  scope,
}: Pick<ImageDeps, "content" | "leases" | "scope">): Promise<void> {
  for (const { id, labels } of await leases.list(scope, []))
    if (labels[HOLDER] !== undefined) await leases.delete(scope, id, false);
  for (const { ref } of await content.statuses(scope, []))
    if (NAMED_ONCE.test(ref))
      await content.abort(scope, ref).catch((error: unknown) => {
        if (!isKind(error, "unavailable")) throw error; // another client of the layer is writing it
      });
}
