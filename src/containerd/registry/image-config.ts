// Reads image configs from hostile bytes.

import { DecodeError } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { decodeImageConfig, type ImageConfig } from "#spec/oci-image.ts";

/** Throws `invalid` for what is no image config. */
export function decodeConfig(bytes: Uint8Array): ImageConfig {
  try {
    return decodeImageConfig(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "");
  } catch (error) {
    const why = error instanceof DecodeError ? error.message : "not a JSON document";
    throw invalid(`invalid image config: ${why}`, { cause: error });
  }
}
