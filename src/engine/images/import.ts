// POST /images/create?fromSrc=-: the body, a root file system as tar, becomes an image of one layer.

import { formatTime } from "#base/clock.ts";
import { hostPlatform, parsePlatform } from "#containerd/registry/platform.ts";
import { familiarReference, formatReference } from "#formats/reference.ts";
import type { ImageConfig } from "#spec/oci-image.ts";
import { openLease, storeImage, storeLayer, unpackFirst } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { applyChanges } from "./import-changes.ts";
import { danglingName } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";
import { parseNewName } from "./tag.ts";

export interface ImportRequest {
  readonly body: AsyncIterable<Uint8Array>;
  /** "" leaves the image without a name. */
  readonly repo: string;
  readonly tag: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly platform: string;
}

/** Returns the image's id. */
export async function importImage(
  deps: ImageDeps,
  request: ImportRequest,
  signal: AbortSignal,
): Promise<string> {
  const reference = request.repo === "" ? undefined : parseNewName(request.repo, request.tag);
  const settings = applyChanges(request.changes);
  const platform = request.platform === "" ? hostPlatform() : parsePlatform(request.platform);
  await using lease = await openLease(deps, "import");
  const layer = await storeLayer(deps, lease.scope, request.body, signal);
  const diffId = await unpackFirst(deps, lease.scope, layer, signal);
  const created = formatTime(deps.clock.now());
  const config: ImageConfig = {
    created,
    ...platform,
    config: settings,
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, comment: request.message }],
    comment: request.message,
  };
  const { target, id } = await storeImage(deps, lease.scope, config, [layer]);
  using _names = await deps.namesLock.acquire();
  const labels = settings.Labels ?? {};
  if (reference === undefined) {
    await deps.images.create(deps.scope, { name: danglingName(target.digest), target, labels: {} });
  } else {
    await setName(deps, formatReference(reference), target, { [TAGGED_AT]: created });
    publishImageEvent(deps.events, {
      action: "tag",
      actorId: id,
      name: familiarReference(reference),
      labels,
    });
  }
  publishImageEvent(deps.events, { action: "import", actorId: id, name: id, labels });
  return id;
}
