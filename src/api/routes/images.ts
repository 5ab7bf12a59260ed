// Routes about images.

import { invalid, unsupported } from "#base/errors.ts";
import { parseFilters } from "#engine/filters.ts";
import { inspectDistribution } from "#engine/images/distribution.ts";
import { imageHistory } from "#engine/images/history.ts";
import { pulledFrom } from "#engine/images/identity.ts";
import type { ImageDeps } from "#engine/images/image-deps.ts";
import { importImage } from "#engine/images/import.ts";
import { listImages } from "#engine/images/list.ts";
import { loadImages } from "#engine/images/load.ts";
import { statusMessage } from "#engine/images/progress-messages.ts";
import type { ImagePruner } from "#engine/images/prune.ts";
import { pullImage } from "#engine/images/pull.ts";
import { removeImage } from "#engine/images/remove.ts";
import { saveImages } from "#engine/images/save.ts";
import { tagImage } from "#engine/images/tag.ts";
import { countUsers } from "#engine/images/usage.ts";
import { encodeImageInspect, encodeImageSummary } from "../image-encoding.ts";
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
    {
      method: "GET",
      path: "/images/get",
      handle: (call) => save(images, call.query.getAll("names"), call),
    },
    { method: "GET", path: "/images/:name*/get", handle: (call) => save(images, [nameOf(call)], call) },
    { method: "GET", path: "/images/:name*/json", handle: (call) => inspect(images, call) },
    { method: "GET", path: "/images/:name*/history", handle: (call) => history(images, call) },
    {
      method: "GET",
      path: "/images/:name*/attestations",
      minVersion: 55,
      handle: () => Promise.reject(unsupported("GET /images/{name}/attestations")),
    },
    { method: "POST", path: "/images/:name*/tag", handle: (call) => tag(images, call) },
    { method: "GET", path: "/distribution/:name*/json", handle: (call) => distribution(images, call) },
    { method: "DELETE", path: "/images/:name*", handle: (call) => remove(images, call) },
  ];
}

const json = (value: unknown): ApiResponse => ({ kind: "json", status: 200, value });

const nameOf = (call: ApiCall): string => call.params.name ?? "";

/** Options of those versions that know them. */
const flagSince = ({ query, version }: ApiCall, name: string, minor: number): boolean =>
  version.minor >= minor && queryFlag(query, name);

async function list(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { query, version } = call;
  const manifests = flagSince(call, "manifests", 47);
  if (flagSince(call, "identity", 54) && !manifests)
    throw invalid("conflicting options: identity requires manifests=1");
  if (manifests) throw unsupported("manifests");
  const listed = await listImages(deps, parseFilters(query.get("filters")));
  const containers = version.minor < 51 ? () => -1 : countUsers(deps);
  return json(
    listed.map((one) =>
      encodeImageSummary({ ...one, sharedSize: -1, containers: containers(one.image.id) }, version.minor),
    ),
  );
}

async function inspect(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { minor } = call.version;
  const manifests = flagSince(call, "manifests", 48);
  const platform = minor >= 49 && (call.query.get("platform") ?? "") !== "";
  if (manifests && platform)
    throw invalid("conflicting options: manifests and platform options cannot both be set");
  if (manifests) throw unsupported("manifests");
  if (platform) throw unsupported("platform");
  const { image } = await deps.catalog.get(nameOf(call));
  const size = await deps.sizes.total(image.chainIds);
  const repositories = minor < 53 ? [] : await pulledFrom(deps, image);
  return json({
    ...encodeImageInspect(image, size, minor),
    ...(repositories.length > 0 && {
      Identity: { Pull: repositories.map((Repository) => ({ Repository })) },
    }),
  });
}

/** Choosing among the platforms of an image came with 1.48, choosing several with 1.52. */
function refusePlatforms({ query, version }: ApiCall): void {
  if (version.minor < 48 || !query.has("platform")) return;
  if (version.minor < 52 && query.getAll("platform").length > 1)
    throw invalid(
      "multiple platform parameters are not supported in this API version; use API version 1.52 or later",
    );
  throw unsupported("platform");
}

async function history(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  if (call.version.minor >= 48 && call.query.get("platform")) throw unsupported("platform");
  const items = await imageHistory(deps, nameOf(call));
  return json(items.map((item) => ({ ...item, Tags: item.Tags.length === 0 ? null : item.Tags })));
}

async function create(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { query, version, signal } = call;
  const parameter = (key: string): string => query.get(key) ?? "";
  const platform = version.minor >= 32 ? parameter("platform") : "";
  const image = parameter("fromImage");
  if (image !== "") {
    const credentials = parseRegistryAuth(call.headers["x-registry-auth"]);
    const request = { image, tag: parameter("tag"), platform, credentials };
    return await streamProgress((emit) => pullImage(deps, request, emit, signal));
  }
  const source = parameter("fromSrc");
  if (source === "") throw invalid("either fromImage or fromSrc must be given");
  if (source !== "-") throw unsupported("fromSrc with a URL");
  const request = {
    body: call.body,
    repo: parameter("repo"),
    tag: parameter("tag"),
    message: parameter("message") || "Imported from -",
    changes: query.getAll("changes"),
    platform,
  };
  return await streamProgress(async (emit) => emit(statusMessage(await importImage(deps, request, signal))));
}

async function load(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  refusePlatforms(call);
  const quiet = call.version.minor >= 23 && queryFlag(call.query, "quiet");
  return await streamProgress((emit) =>
    loadImages(
      deps,
      call.body,
      (message) => (quiet && message.stream === undefined ? undefined : emit(message)),
      call.signal,
    ),
  );
}

async function save(deps: ImageDeps, names: readonly string[], call: ApiCall): Promise<ApiResponse> {
  refusePlatforms(call);
  const chunks = await saveImages(deps, names);
  return { kind: "stream", status: 200, contentType: "application/x-tar", chunks };
}

async function distribution(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const credentials = parseRegistryAuth(call.headers["x-registry-auth"]);
  const { descriptor, platforms } = await inspectDistribution(deps, nameOf(call), credentials, call.signal);
  return json({ Descriptor: descriptor, Platforms: platforms });
}

async function tag(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  await tagImage(deps, nameOf(call), call.query.get("repo") ?? "", call.query.get("tag") ?? "");
  return { kind: "empty", status: 201 };
}

async function remove(deps: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  if (nameOf(call).trim() === "") throw invalid("image name cannot be blank");
  if (call.version.minor >= 50 && call.query.has("platforms")) throw unsupported("platforms");
  return json(await removeImage(deps, nameOf(call), queryFlag(call.query, "force")));
}

async function prune({ pruner }: ImageRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const { deleted, reclaimed } = await pruner.prune(parseFilters(call.query.get("filters")), call.signal);
  return json({ ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed });
}
