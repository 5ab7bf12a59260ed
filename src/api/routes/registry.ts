// Routes that talk to registries: push, search, login, what a registry has.

import { object, string } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseFilters } from "#engine/filters.ts";
import { inspectDistribution } from "#engine/images/distribution.ts";
import type { ImageDeps } from "#engine/images/image-deps.ts";
import { checkLogin } from "#engine/images/login.ts";
import { pushImage } from "#engine/images/push.ts";
import { searchImages } from "#engine/images/search.ts";
import { streamProgress } from "../progress-stream.ts";
import { parseRegistryAuth } from "../registry-auth.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export function registryRoutes(images: ImageDeps): Route[] {
  return [
    { method: "POST", path: "/auth", handle: (call) => login(images, call) },
    { method: "GET", path: "/images/search", handle: (call) => search(images, call) },
    { method: "POST", path: "/images/:name*/push", handle: (call) => push(images, call) },
    { method: "GET", path: "/distribution/:name*/json", handle: (call) => distribution(images, call) },
  ];
}

const json = (value: unknown): ApiResponse => ({ kind: "json", status: 200, value });

const nameOf = (call: ApiCall): string => call.params.name ?? "";

async function push(images: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const { query, version, signal } = call;
  const request = {
    image: nameOf(call),
    tag: query.get("tag") ?? "",
    platform: version.minor >= 46 ? pushPlatform(query.get("platform") ?? "") : "",
    credentials: parseRegistryAuth(call.headers["x-registry-auth"]),
  };
  return await streamProgress((emit) => pushImage(images, request, emit, signal));
}

const platformBody = object({}, { os: string, architecture: string, variant: string });

/** An OCI platform as JSON. */
function pushPlatform(text: string): string {
  if (text === "") return "";
  const { os = "", architecture = "", variant = "" } = platformBody(JSON.parse(text), "platform");
  return [os, architecture, variant].filter((part) => part !== "").join("/");
}

async function search(images: ImageDeps, { query, headers, signal }: ApiCall): Promise<ApiResponse> {
  const request = {
    term: query.get("term") ?? "",
    limit: parseLimit(query.get("limit") ?? ""),
    filters: parseFilters(query.get("filters")),
    credentials: parseRegistryAuth(headers["x-registry-auth"]),
  };
  const found = await searchImages(images, request, signal);
  return json(
    found.map(({ stars, official, name, description }) => ({
      star_count: stars,
      is_official: official,
      name,
      is_automated: false,
      description,
    })),
  );
}

function parseLimit(text: string): number {
  if (/^([+-]?[0-9]{1,15})?$/.test(text)) return Number(text);
  const parsed = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw invalid(`invalid limit specified: ${parsed}`);
}

const authBody = object(
  {},
  {
    username: string,
    password: string,
    auth: string,
    serveraddress: string,
    identitytoken: string,
    registrytoken: string,
  },
);

async function login(images: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const body = authBody((await call.json()) ?? {}, "");
  const credentials = {
    username: body.username ?? "",
    password: body.password ?? "",
    identityToken: body.identitytoken ?? "",
    registryToken: body.registrytoken ?? "",
  };
  const { serveraddress: server = "" } = body;
  const { status, identityToken } = await checkLogin(images, server, credentials, call.signal);
  return json({ IdentityToken: identityToken, Status: status });
}

async function distribution(images: ImageDeps, call: ApiCall): Promise<ApiResponse> {
  const credentials = parseRegistryAuth(call.headers["x-registry-auth"]);
  const { descriptor, platforms } = await inspectDistribution(images, nameOf(call), credentials, call.signal);
  return json({ Descriptor: descriptor, Platforms: platforms });
}
