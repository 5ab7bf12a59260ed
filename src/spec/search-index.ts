// The answer of an index (Docker Hub, and registries of version 1) to a search.

import { array, boolean, type Decoder, integer, object, string } from "#base/decode.ts";

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

const result = object({}, { name: string, description: string, star_count: integer, is_official: boolean });
const answer = object({}, { results: array(result) });

export const decodeSearchResults: Decoder<readonly SearchResult[]> = (value, path) =>
  (answer(value, path).results ?? []).map(({ name = "", description = "", ...rest }) => ({
    name,
    description,
    stars: rest.star_count ?? 0,
    official: rest.is_official ?? false,
  }));
