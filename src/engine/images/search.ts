// GET /images/search: what an index knows by a term. Docker Hub, unless the term begins with the name of another.

import { invalid } from "#base/errors.ts";
import { searchIndex } from "#containerd/registry/search-index.ts";
import type { Filters } from "#engine/filters.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { SearchResult } from "#spec/search-index.ts";
import type { ImageDeps } from "./image-deps.ts";

export interface SearchRequest {
  readonly term: string;
  /** 0: as many as Docker asks for. */
  readonly limit: number;
  readonly filters: Filters;
  readonly credentials: Credentials | undefined;
}

export async function searchImages(
  { registries }: Pick<ImageDeps, "registries">,
  { term, limit, filters, credentials }: SearchRequest,
  signal: AbortSignal,
): Promise<readonly SearchResult[]> {
  filters.validate(["is-automated", "is-official", "stars"]);
  // Docker Hub does not tell any more which are; as with Docker none is.
  if (filters.flag("is-automated", false)) return [];
  const official = filters.flag("is-official", false);
  const stars = Math.max(0, ...filters.values("stars").map(parseStars));
  const found = await searchIndex(registries, { ...splitTerm(term), limit, credentials }, signal);
  return found.filter(
    (one) => (!filters.has("is-official") || one.official === official) && one.stars >= stars,
  );
}

function parseStars(text: string): number {
  if (/^[+-]?[0-9]{1,15}$/.test(text)) return Number(text);
  throw invalid(
    `invalid filter 'stars=${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

/** "127.0.0.1:5000/team" is a term for that index. */
function splitTerm(text: string): { readonly domain: string; readonly term: string } {
  if (text.includes("://"))
    throw invalid(`invalid repository name: repository name (${text}) should not have a scheme`);
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(0, slash));
  const isIndex = /[.:]/.test(first) || first === "localhost";
  const domain = !isIndex || first === "index.docker.io" ? "docker.io" : first;
  const term = isIndex ? text.slice(slash + 1) : text;
  return { domain, term: domain === "docker.io" ? term.replace(/^library\//, "") : term };
}
