// POST /images/create?fromImage: fetches an image, names it, and tells about it as Docker does.

import { EngineError } from "#base/errors.ts";
import type { PulledImage } from "#containerd/registry/pull.ts";
import { readKey } from "#containerd/registry/signatures.ts";
import { isDigest } from "#formats/digest.ts";
import {
  canonicalName,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withTag,
} from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { Platform } from "#spec/oci-image.ts";
import { hostPlatform, parsePlatform } from "#spec/platform.ts";
import type { Requirement } from "#spec/signature-policy.ts";
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
  /** A public key in PEM that must have signed the image; undefined if it need not be signed. */
  readonly signedBy: string | undefined;
}

/** Without tag and digest every tag of the repository is pulled. Rejects before the first message if there is nothing to be had. */
export async function pullImage(
  deps: ImageDeps,
  request: PullImageRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const reference = parsePullReference(request.image, request.tag);
  const platform = request.platform === "" ? hostPlatform() : parsePlatform(request.platform);
  const { credentials, signedBy } = request;
  if (signedBy !== undefined) readKey(signedBy);
  const run: PullRun = { platform, credentials, requirements: signature(signedBy), emit, signal };
  const all = reference.tag === undefined && reference.digest === undefined;
  const tags = all ? await deps.puller.listTags(reference, credentials, signal) : [];
  const wanted = all ? tags.map((tag) => withTag(reference, tag)) : [reference];
  let fresh = false;
  for (const one of wanted) fresh = (await pullOne(deps, one, run)) || fresh;
  const shown = familiarReference(reference);
  emit(
    statusMessage(
      fresh ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
    ),
  );
}

const signature = (key: string | undefined): readonly Requirement[] =>
  key === undefined
    ? []
    : [{ type: "sigstoreSigned", keyPaths: [], keys: [key], identity: { type: "as-signed" } }];

interface PullRun {
  readonly platform: Platform;
  readonly credentials: Credentials | undefined;
  readonly requirements: readonly Requirement[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** True if the name stands for another image now. */
async function pullOne(deps: ImageDeps, wanted: Reference, run: PullRun): Promise<boolean> {
  const { platform, credentials, requirements, emit, signal } = run;
  const { namespace } = deps.scope;
  const progress = new LayerProgress(emit, () => performance.now());
  const before = await deps.catalog.contentOf(wanted);
  const id = wanted.digest === undefined ? (wanted.tag ?? "") : formatReference(wanted);
  const pulled = await deps.puller.pull(
    { namespace, reference: wanted, platform, credentials, requirements },
    {
      onResolved: () => emit(statusMessage(`Pulling from ${wanted.path}`, id)),
      onLayer: (digest, state) => progress.tell(digest, state),
    },
    (image) => nameImage(deps, wanted, image),
    signal,
  );
  emit(statusMessage(`Digest: ${pulled.target.digest}`));
  const actorId = familiarReference(wanted);
  publishImageEvent(deps.events, {
    action: "pull",
    actorId,
    name: familiarName(wanted),
    labels: labelsOf(pulled),
  });
  return before?.id !== pulled.configDigest;
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
