// The document that stands for several manifests: Docker's manifest list, or an OCI index if the first of them is an OCI manifest.

import { isDigest } from "#formats/digest.ts";
import { compactJson, indentJson } from "#formats/json-text.ts";
import { formatReference, type Reference } from "#formats/reference.ts";
import { mediaTypes, type Platform } from "#spec/oci-image.ts";
import type { ImageManifest } from "./image-manifest.ts";

export interface ManifestList {
  readonly mediaType: string;
  readonly text: string;
}

/** `target`: what it is to be named; all must be of its registry. Throws an Error in Docker's words. */
export function buildManifestList(target: Reference, images: readonly ImageManifest[]): ManifestList {
  const [first] = images;
  const isOci = first?.descriptor.mediaType === mediaTypes.ociManifest;
  const mediaType = isOci ? mediaTypes.ociIndex : mediaTypes.dockerList;
  const manifests = images.map((image) => entryOf(target, image));
  const text = compactJson(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  return { mediaType, text: indentJson(text, "   ") };
}

function entryOf({ domain }: Reference, { reference, descriptor }: ImageManifest) {
  if (reference.domain !== domain)
    throw new Error(
      `cannot use source images from a different registry than the target image: ${reference.domain} != ${domain}`,
    );
  const { mediaType, size, digest, platform } = descriptor;
  if (!isDigest(digest))
    throw new Error(
      `digest parse of image ${JSON.stringify(formatReference(reference))} failed: invalid checksum digest format`,
    );
  return { mediaType, size, digest, platform: spelled(platform) };
}

/** With the keys in Docker's order. */
const spelled = (platform: Platform | undefined): Platform => ({
  architecture: platform?.architecture ?? "",
  os: platform?.os ?? "",
  ...(platform?.["os.version"] && { "os.version": platform["os.version"] }),
  ...(platform?.["os.features"]?.length && { "os.features": platform["os.features"] }),
  ...(platform?.variant && { variant: platform.variant }),
});

const PLATFORMS = new Set(
  [
    ["darwin", "386 amd64 arm arm64"],
    ["dragonfly", "amd64"],
    ["freebsd", "386 amd64 arm"],
    ["linux", "386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x"],
    ["netbsd", "386 amd64 arm"],
    ["openbsd", "386 amd64 arm"],
    ["plan9", "386 amd64"],
    ["solaris", "amd64"],
    ["windows", "386 amd64"],
  ].flatMap(([os, architectures = ""]) => architectures.split(" ").map((name) => `${os}/${name}`)),
);

/** Whether Docker lets an entry of a list have it. */
export const isListedPlatform = ({ os, architecture }: Platform): boolean =>
  PLATFORMS.has(`${os}/${architecture}`);
