// POST /images/create?fromSrc=-: the body, a root file system as tar, becomes an image of one layer.

import { formatTime } from "#base/clock.ts";
import { invalid } from "#base/errors.ts";
import { familiarReference, formatReference } from "#formats/reference.ts";
import type { ImageConfig } from "#spec/oci-image.ts";
import { hostPlatform, parsePlatform } from "#spec/platform.ts";
import { withoutCompression } from "./archive-files.ts";
import { openLease, storeImage, storeLayer, unpackFirst } from "./create-image.ts";
import { fetchArchive } from "./fetch-archive.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { applyChanges } from "./import-changes.ts";
import { danglingName } from "./local-image.ts";
import { setName, TAGGED_AT } from "./names.ts";
import { barMessage, type Emit, statusMessage } from "./progress-messages.ts";
import { parseNewName } from "./tag.ts";

export interface ImportRequest {
  /** The archive, or where to fetch it from. */
  readonly source: AsyncIterable<Uint8Array> | URL;
  /** "" leaves the image without a name. */
  readonly repo: string;
  readonly tag: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly platform: string;
}

/** Returns the image's id, which is told by `emit` too. */
export async function importImage(
  deps: ImageDeps,
  request: ImportRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<string> {
  const reference = request.repo === "" ? undefined : parseNewName(request.repo, request.tag);
  const settings = applyChanges(request.changes);
  const platform = request.platform === "" ? hostPlatform() : parsePlatform(request.platform);
  if (platform.os !== "linux") throw invalid("operating system is not supported");
  await using lease = await openLease(deps, "import");
  const archive = withoutCompression(openSource(deps, request.source, emit, signal), deps.inflation());
  const layer = await storeLayer(deps, lease.scope, archive, signal);
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
  emit(statusMessage(id));
  return id;
}

/** What is fetched is told as it comes. */
async function* openSource(
  { registries }: Pick<ImageDeps, "registries">,
  source: ImportRequest["source"],
  emit: Emit,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!(source instanceof URL)) {
    yield* source;
    return;
  }
  const { body, size } = await fetchArchive(source, registries.proxyFor, signal);
  emit(statusMessage(`Downloading from ${source.href}`));
  let current = 0;
  for await (const chunk of body) {
    yield chunk;
    current += chunk.length;
    const { id: _, ...bar } = barMessage("", "Importing", current, size);
    emit(bar);
  }
}
