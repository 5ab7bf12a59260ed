// POST /images/create?fromImage: fetches an image, names it, and tells about it as Docker does.

import { EngineError } from "#base/errors.ts";
import { hostPlatform, parsePlatform } from "#containerd/registry/platform.ts";
import type { PulledImage } from "#containerd/registry/pull.ts";
import { isDigest } from "#formats/digest.ts";
import {
  canonicalName,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withTag,
} from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { LayerProgress } from "./layer-progress.ts";
import { labelsOf } from "./local-image.ts";
import { setName } from "./names.ts";
import { type Emit, statusMessage } from "./progress-messages.ts";

export interface PullImageRequest {
  readonly image: string;
  /** A tag or a digest; "" if it is in `image`. */
  readonly tag: string;
  /** os[/arch[/variant]] or "". */
  readonly platform: string;
  readonly credentials: Credentials | undefined;
}

/** Rejects before the first message if the image cannot be had at all. */
export async function pullImage(
  deps: ImageDeps,
  request: PullImageRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const reference = parsePullReference(request.image, request.tag);
  const platformGiven = request.platform !== "";
  const platform = platformGiven ? parsePlatform(request.platform) : hostPlatform();
  const wanted = withDefaultTag(reference);
  const progress = new LayerProgress(emit, () => performance.now());
  const before = await deps.catalog.contentOf(wanted);
  const pulled = await deps.puller.pull(
    {
      namespace: deps.scope.namespace,
      reference: wanted,
      platform,
      platformGiven,
      credentials: request.credentials,
    },
    {
      onResolved: () => emit(statusMessage(`Pulling from ${wanted.path}`, wanted.digest ?? wanted.tag ?? "")),
      onLayer: (digest, state) => progress.tell(digest, state),
    },
    (image) => nameImage(deps, wanted, image),
    signal,
  );
  emit(statusMessage(`Digest: ${pulled.target.digest}`));
  const fresh = before?.id !== pulled.configDigest;
  const shown = familiarReference(wanted);
  emit(
    statusMessage(
      fresh ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
    ),
  );
  publishImageEvent(deps.events, {
    action: "pull",
    actorId: shown,
    name: familiarName(wanted),
    labels: labelsOf(pulled),
  });
}

function parsePullReference(image: string, tag: string): Reference {
  const reference = parseReference(image);
  if (reference.domain === "docker.io" && reference.path === "library/scratch")
    throw new EngineError("forbidden", "'scratch' is a reserved name");
  if (tag === "") return reference;
  // The parameter may hold a digest: it replaces a tag.
  const { domain, path } = reference;
  return isDigest(tag) ? { domain, path, digest: tag } : withTag({ domain, path }, tag);
}

/** The tag that was asked for, and the digest by which the image can be had again. */
async function nameImage(deps: ImageDeps, reference: Reference, { target }: PulledImage): Promise<void> {
  using _names = await deps.namesLock.acquire();
  const byDigest = `${canonicalName(reference)}@${target.digest}`;
  if (reference.digest === undefined) await setName(deps, formatReference(reference), target, {});
  await setName(deps, byDigest, target, {});
}
