// The query's platforms as the API has them since 1.46: JSON of the OCI specification.

import { DecodeError, object, string } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import type { Platform } from "#spec/oci-image.ts";

const decodePlatform = object(
  {},
  { os: string, architecture: string, variant: string, "os.version": string },
);

/** Throws `invalid` in Docker's words. */
function parsePlatformJson(text: string): Platform {
  const { os = "", architecture = "", variant = "", ...version } = decode(text);
  if (os === "" && architecture === "" && (variant !== "" || version["os.version"] !== undefined))
    throw invalid("optional platform fields provided, but OS and Architecture are missing");
  if (os === "" || architecture === "") throw invalid("both OS and Architecture must be provided");
  return { os, architecture, ...(variant !== "" && { variant }), ...version };
}

function decode(text: string): ReturnType<typeof decodePlatform> {
  try {
    return decodePlatform(JSON.parse(text), "platform");
  } catch (error) {
    const why = error instanceof DecodeError ? error.message : "not a JSON document";
    throw invalid(`failed to parse platform: ${why}`, { cause: error });
  }
}

/** The query's one platform. */
export function parsePlatform(query: URLSearchParams): Platform | undefined {
  const text = query.get("platform") ?? "";
  return text === "" ? undefined : parsePlatformJson(text);
}

/** The query's platforms; `several` says whether this version of the API has more than one. */
export function parsePlatforms(query: URLSearchParams, key: string, several: boolean): readonly Platform[] {
  const texts = query.getAll(key).filter((text) => text !== "");
  if (texts.length > 1 && !several)
    throw invalid(
      "multiple platform parameters are not supported in this API version; use API version 1.52 or later",
    );
  return texts.map(parsePlatformJson);
}
