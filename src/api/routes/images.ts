// Routes about images.

import { invalid, unsupported } from "#base/errors.ts";
import { parseFilters } from "#engine/filters.ts";
import { parseSource } from "#engine/images/fetch-archive.ts";
import { imageHistory } from "#engine/images/history.ts";
import { pulledFrom } from "#engine/images/identity.ts";
import type { ImageDeps } from "#engine/images/image-deps.ts";
import { importImage } from "#engine/images/import.ts";
import { listImages } from "#engine/images/list.ts";
import { loadImages } from "#engine/images/load.ts";
import type { LocalImage } from "#engine/images/local-image.ts";
import { getForPlatform, listManifests } from "#engine/images/manifests.ts";
import type { ImagePruner } from "#engine/images/prune.ts";
import { pullImage } from "#engine/images/pull.ts";
import { removeImage } from "#engine/images/remove.ts";
import { removePlatforms } from "#engine/images/remove-platforms.ts";
import { saveImages } from "#engine/images/save.ts";
import { tagImage } from "#engine/images/tag.ts";
import { countUsers, sharedSizes } from "#engine/images/usage.ts";
import type { Platform } from "#spec/oci-image.ts";
import {
  encodeIdentity,
  encodeImageInspect,
  encodeImageSummary,
  type ManifestRow,
} from "../image-encoding.ts";
import { parsePlatform, parsePlatforms } from "../platform-query.ts";
import { streamProgress } from "../progress-stream.ts";
import { queryFlag } from "../query.ts";
import { parseRegistryAuth } from "../registry-auth.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export interface ImageRouteDeps {
  readonly images: ImageDeps;
  readonly pruner: ImagePruner;
}

export function imageRoutes(deps: ImageRouteDeps): Route[] {
  const { images } = deps;
  return [
    { method: "GET", path: "/images/json", handle: (call) => list(images, call) },
    { method: "POST", path: "/images/create", handle: (call) => create(images, call) },
    { method: "POST", path: "/images/prune", handle: (call) => prune(deps, call) },
    { method: "POST", path: "/images/load", handle: (call) => load(images, call) },
    { method: "GET", path: "/images/get", handle: (call) => save(images, call, call.query.getAll("names")) },
    { method: "GET", path: "/images/:name*/get", handle: (call) => save(images, call, [nameOf(call)]) },
    { method: "GET", path: "/images/:name*/json", handle: (call) => inspect(images, call) },
    { method: "GET", path: "/images/:name*/history", handle: (call) => history(images, call) },
    {
      method: "GET",
      path: "/images/:name*/attestations",
      minVersion: 55,
      handle: () => Promise.reject(unsupported("GET /images/{name}/attestations")),
    },
    { method: "POST", path: "/images/:name*/tag", handle: (call) => tag(images, call) },
    { method: "DELETE", path: "/images/:name*", handle: (call) => remove(images, call) },
  ];
}

const json = (value: unknown): ApiResponse => ({ kind: "json", status: 200, value });

const nameOf = (call: ApiCall): string => call.params.name ?? "";

async function list(deps: ImageDeps, { query, version }: ApiCall): Promise<ApiResponse> {
  const { minor } = version;
  const filters = parseFilters(query.get("filters"));
  const listed = await listImages(deps, filters, queryFlag(query, "all"));
  const withShared = minor >= 42 && queryFlag(query, "shared-size");
  const withManifests = minor >= 47 && queryFlag(query, "manifests");
  const withIdentity = minor >= 54 && queryFlag(query, "identity");
  if (withIdentity && !withManifests) throw invalid("conflicting options: identity requires manifests=1");
  const shared = sharedSizes(deps, withShared ? await deps.catalog.list() : []);
  const containers = minor < 51 ? () => -1 : countUsers(deps);
  const rows = listed.map(async (one) =>
    encodeImageSummary(
      {
        ...one,
        sharedSize: withShared ? await shared(one.image) : -1,
        containers: containers(one.image),
        ...(withManifests && {
          manifests: await manifestRows(
            deps,
            one.image,
            withIdentity ? await pulledFrom(deps, one.image) : [],
          ),
        }),
      },
      minor,
    ),
  );
  return json(await Promise.all(rows));
}

async function manifestRows(
  deps: ImageDeps,
  image: LocalImage,
  sources: readonly string[],
): Promise<readonly ManifestRow[]> {
  const manifests = await Promise.all(
    image.records.slice(0, 1).map(({ target }) => listManifests(deps, target)),
  );
  return await Promise.all(
    manifests.flat().map(async (manifest) => ({
      manifest,
      sources,
      unpackedSize: await deps.sizes.total(manifest.content?.chainIds ?? []),
      containers: deps
        .users()
        .filter(({ imageId }) => imageId === manifest.content?.id)
        .map(({ id }) => id),
    })),
  );
}

async function inspect(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { query, version } = call;
  const withManifests = version.minor >= 48 && queryFlag(query, "manifests");
  const platform = version.minor >= 49 ? parsePlatform(query) : undefined;
  if (withManifests && platform !== undefined)
    throw invalid("conflicting options: manifests and platform options cannot both be set");
  const { image: found } = await deps.catalog.get(nameOf(call));
  const image = platform === undefined ? found : getForPlatform(nameOf(call), found, platform);
  const size = await deps.sizes.total(image.chainIds);
  const manifests = withManifests ? { manifests: await manifestRows(deps, image, []) } : {};
  const sources = version.minor < 53 ? [] : await pulledFrom(deps, image);
  return json({
    ...encodeImageInspect(image, { size, snapshotter: deps.snapshotter, ...manifests }, version.minor),
    ...encodeIdentity(sources),
  });
}

async function history(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const platform = call.version.minor >= 48 ? parsePlatform(call.query) : undefined;
  const { image } = await deps.catalog.get(nameOf(call));
  const chosen = platform === undefined ? image : getForPlatform(nameOf(call), image, platform);
  const items = await imageHistory(deps, chosen);
  return json(items.map((item) => ({ ...item, Tags: item.Tags.length === 0 ? null : item.Tags })));
}

async function create(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { query, version, signal } = call;
  const parameter = (key: string): string => query.get(key) ?? "";
  const platform = version.minor >= 32 ? parameter("platform") : "";
  const image = parameter("fromImage");
  if (image !== "") {
    const credentials = parseRegistryAuth(call.headers["x-registry-auth"]);
    const verify = call.headers["x-gantry-verify"];
    // One that is no key is refused, not passed over: whoever sends it wants the image verified.
    const signedBy = verify === undefined ? undefined : Buffer.from(String(verify), "base64").toString();
    const request = { image, tag: parameter("tag"), platform, credentials, signedBy };
    return await streamProgress((emit) => pullImage(deps, request, emit, signal));
  }
  const source = parameter("fromSrc");
  if (source === "") throw invalid("either fromImage or fromSrc must be given");
  const request = {
    source: source === "-" ? call.body : parseSource(source),
    repo: parameter("repo"),
    tag: parameter("tag"),
    message: parameter("message") || `Imported from ${source}`,
    changes: query.getAll("changes"),
    platform,
  };
  return await streamProgress(async (emit) => void (await importImage(deps, request, emit, signal)));
}

async function load(deps: ImageDeps, { body, query, version, signal }: ApiCall): Promise<ApiResponse> {
  const quiet = version.minor >= 23 && queryFlag(query, "quiet");
  const request = { body, platforms: archivePlatforms(query, version) };
  return await streamProgress(
    (emit) =>
      loadImages(
        deps,
        request,
        (message) => (quiet && message.stream === undefined ? undefined : emit(message)),
        signal,
      ),
    "at once",
  );
}

const archivePlatforms = (query: URLSearchParams, { minor }: ApiCall["version"]): readonly Platform[] =>
  minor >= 48 ? parsePlatforms(query, "platform", minor >= 52) : [];

async function save(
  deps: ImageDeps,
  { query, version }: ApiCall,
  names: readonly string[],
): Promise<ApiResponse> {
  const chunks = await saveImages(deps, names, archivePlatforms(query, version));
  return { kind: "stream", status: 200, contentType: "application/x-tar", chunks };
}

async function tag(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  await tagImage(deps, nameOf(call), call.query.get("repo") ?? "", call.query.get("tag") ?? "");
  return { kind: "empty", status: 201 };
}

async function remove(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  if (nameOf(call).trim() === "") throw invalid("image name cannot be blank");
  const { query, version } = call;
  const options = { force: queryFlag(query, "force"), prune: !queryFlag(query, "noprune") };
  const platforms = version.minor >= 50 ? parsePlatforms(query, "platforms", true) : [];
  return json(
    platforms.length === 0
      ? await removeImage(deps, nameOf(call), options)
      : await removePlatforms(deps, nameOf(call), platforms, options),
  );
}

async function prune({ pruner }: ImageRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const { deleted, reclaimed } = await pruner.prune(parseFilters(call.query.get("filters")), call.signal);
  return json({ ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed });
}
