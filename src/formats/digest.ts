// Content digests: "sha256:…".

import { createHash } from "node:crypto";
import { invalid } from "#base/errors.ts";

export interface Digest {
  readonly algorithm: string;
  readonly encoded: string;
}

const shape = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Rejects `invalid` in the words of Docker's digest package. */
export function parseDigest(text: string): Digest {
  if (!shape.test(text)) throw invalid("invalid checksum digest format");
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  const encoded = text.slice(colon + 1);
  const length = Object.hasOwn(hexLengths, algorithm) ? hexLengths[algorithm] : undefined;
  if (length === undefined) throw invalid("unsupported digest algorithm");
  if (encoded.length !== length) throw invalid("invalid checksum digest length");
  if (!/^[a-f0-9]+$/.test(encoded)) throw invalid("invalid checksum digest format");
  return { algorithm, encoded };
}

export function isDigest(text: string): boolean {
  try {
    parseDigest(text);
    return true;
  } catch {
    return false;
  }
}

export const formatDigest = (digest: Digest): string => `${digest.algorithm}:${digest.encoded}`;

/** The digest of bytes that are in memory. */
export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** The first twelve hex digits, as Docker prints ids. */
export const shortId = (digest: string): string =>
  digest.slice(digest.indexOf(":") + 1, digest.indexOf(":") + 13);
