// POST /images/{name}/push: sends an image, or all of a repository, to its registry and tells about it as Docker does.

import { EngineError, isKind, systemError } from "#base/errors.ts";
import type { PushedLayerState, PushSession } from "#containerd/registry/push.ts";
import type { Scope } from "#containerd/scope.ts";
import { shortId } from "#formats/digest.ts";
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
import type { Descriptor, Platform } from "#spec/oci-image.ts";
import { parsePlatform } from "#spec/platform.ts";
import { openLease } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { publishImageEvent } from "./image-events.ts";
import { isTagged, labelsOf, nameOf } from "./local-image.ts";
import { setName } from "./names.ts";
import { Pace } from "./pace.ts";
import { barMessage, type Emit, retryText, statusMessage, stepMessage } from "./progress-messages.ts";

export interface PushImageRequest {
  readonly image: string;
  /** "": every tag of the repository, unless `image` has one. */
  readonly tag: string;
  /** os[/arch[/variant]] or "": the whole index where it is here, else what is. */
  readonly platform: string;
  readonly credentials: Credentials | undefined;
}

/** Rejects before the first message for what is no reference; later failures come after "The push refers to repository". */
export async function pushImage(
  deps: ImageDeps,
  request: PushImageRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const reference = parsePushReference(request.image, request.tag);
  const platform = request.platform === "" ? undefined : parsePlatform(request.platform);
  const { domain, path } = reference;
  emit(statusMessage(`The push refers to repository [${canonicalName(reference)}]`));
  const tags = await localTags(deps, { domain, path });
  if (reference.digest !== undefined) throw systemError("cannot push a digest reference");
  await using lease = await openLease(deps, "push");
  const run = { scope: lease.scope, platform, emit, signal };
  const push = async (session: PushSession): Promise<void> => {
    const wanted = reference.tag === undefined ? tags : [reference];
    if (wanted.length === 0) throw systemError(`no tags to push for ${familiarName(reference)}`);
    for (const one of wanted) await pushTag(deps, session, one, run);
  };
  await deps.pusher.connect(reference, request.credentials, push, signal);
  const content = await deps.catalog.contentOf(reference);
  publishImageEvent(deps.events, {
    action: "push",
    actorId: familiarReference(reference),
    name: familiarName(reference),
    labels: content === undefined ? {} : labelsOf(content),
  });
}

interface PushRun {
  readonly scope: Scope;
  readonly platform: Platform | undefined;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

async function pushTag(
  deps: ImageDeps,
  session: PushSession,
  reference: Reference,
  { scope, platform, emit, signal }: PushRun,
): Promise<void> {
  const target = await targetOf(deps, reference);
  const progress = new PushProgress(emit);
  const { tag = "" } = reference;
  const request = { scope, target, reference, platform };
  const onLayer = (diffId: string, state: PushedLayerState): void => progress.tell(diffId, state);
  const { digest, mediaType, size } = await session.push(request, { onLayer }, signal);
  emit(statusMessage(`${tag}: digest: ${digest} size: ${size}`));
  await keepPushed(deps, reference, { before: target, after: { digest, mediaType, size } });
  emit({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
}

function parsePushReference(image: string, tag: string): Reference {
  const reference = parseReference(image);
  return tag === "" ? reference : withTag({ domain: reference.domain, path: reference.path }, tag);
}

/** The repository's tags, sorted. */
async function localTags(
  { images, scope }: ImageDeps,
  repository: Pick<Reference, "domain" | "path">,
): Promise<readonly Reference[]> {
  const names = (await images.list(scope, [])).map(nameOf).filter((name) => name !== undefined);
  const own = names.filter(
    ({ reference: { domain, path } }) => domain === repository.domain && path === repository.path,
  );
  if (own.length === 0)
    throw systemError(`An image does not exist locally with the tag: ${familiarName(repository)}`);
  return own.filter(isTagged).map(({ reference }) => reference);
}

async function targetOf({ images, scope }: ImageDeps, reference: Reference): Promise<Descriptor> {
  try {
    return (await images.get(scope, formatReference(reference))).target;
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    throw noTag(reference, error);
  }
}

const noTag = (reference: Reference, cause: unknown): EngineError =>
  new EngineError("notFound", `tag does not exist: ${familiarReference(reference)}`, { cause });

/** The image can be had by the digest that the registry knows from now on. Where it was compressed for the registry, its names stand for
 *  the compressed form too, and the plain one is let go of. */
async function keepPushed(
  deps: ImageDeps,
  reference: Reference,
  { before, after }: { readonly before: Descriptor; readonly after: Descriptor },
): Promise<void> {
  using _names = await deps.namesLock.acquire();
  const { images, scope } = deps;
  await setName(deps, `${canonicalName(reference)}@${after.digest}`, after, {});
  if (before.digest === after.digest) return;
  const now = (await deps.catalog.content(before)).id;
  if (now !== (await deps.catalog.content(after)).id) return; // one manifest of an index
  if ((await deps.catalog.content(before)).manifest.digest !== before.digest) return;
  for (const record of await images.list(scope, []))
    if (record.target.digest === before.digest)
      await images.update(scope, { ...record, target: after }, ["target"]);
}

class PushProgress {
  readonly #emit: Emit;
  readonly #pace = new Pace(() => performance.now());

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  tell(diffId: string, state: PushedLayerState): void {
    const id = shortId(diffId);
    if (state.kind !== "pushing") {
      this.#pace.forget(id);
      this.#emit(stepMessage(id, textOf(state)));
    } else if (this.#pace.isTime(id, "Pushing", state)) {
      this.#emit(barMessage(id, "Pushing", state.current, state.total));
    }
  }
}

function textOf(state: Exclude<PushedLayerState, { readonly kind: "pushing" }>): string {
  if (state.kind === "mounted") return `Mounted from ${state.from}`;
  return state.kind === "retrying" ? retryText(state.seconds) : texts[state.kind];
}

const texts = {
  preparing: "Preparing",
  waiting: "Waiting",
  exists: "Layer already exists",
  pushed: "Pushed",
} as const;
