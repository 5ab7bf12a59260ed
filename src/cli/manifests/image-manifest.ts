// A manifest as `docker manifest` knows it: the document with what describes it, in Docker's JSON.

import { object, string, unknown } from "#base/decode.ts";
import { digestOf } from "#formats/digest.ts";
import { compactJson } from "#formats/json-text.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "#formats/reference.ts";
import { type Descriptor, decodeDescriptor, decodeManifest, mediaTypes } from "#spec/oci-image.ts";

export interface ImageManifest {
  readonly reference: Reference;
  /** With its platform, if that is known. */
  readonly descriptor: Descriptor;
  /** The document as it came from the registry. */
  readonly text: string;
}

/** A reference as `docker manifest` takes it: "latest" unless it has a tag or a digest. */
export const parseName = (text: string): Reference => withDefaultTag(parseReference(text));

const isOci = ({ descriptor }: ImageManifest): boolean => descriptor.mediaType === mediaTypes.ociManifest;

/** The digests of all that the manifest refers to. */
export function blobsOf({ text }: ImageManifest): readonly string[] {
  const { config, layers } = decodeManifest(JSON.parse(text), "");
  return [config, ...layers].map(({ digest }) => digest);
}

/** On one line, as Docker's clients keep it in files and, laid out, show it. */
export function encodeImageManifest(image: ImageManifest): string {
  const { reference, text } = image;
  const { mediaType, digest, size, platform } = image.descriptor;
  const field = (name: string, value: unknown): string => `"${name}":${JSON.stringify(value)}`;
  const fields = [
    field("Ref", formatReference(reference)),
    field("Descriptor", { mediaType, digest, size, ...(platform !== undefined && { platform }) }),
    field("Raw", Buffer.from(text).toString("base64")),
    `"${isOci(image) ? "OCIManifest" : "SchemaV2Manifest"}":${text}`,
  ];
  return compactJson(`{${fields.join(",")}}`);
}

const kept = object(
  { Ref: string, Descriptor: decodeDescriptor },
  { Raw: string, SchemaV2Manifest: unknown, OCIManifest: unknown },
);

/** What `encodeImageManifest` made, or an older client of Docker's that kept the document's content only. Throws an Error. */
export function decodeImageManifest(text: string): ImageManifest {
  const { Ref, Descriptor: descriptor, ...rest } = kept(JSON.parse(text), "");
  const document =
    rest.Raw === undefined
      ? rebuild(rest, Ref, descriptor.digest)
      : Buffer.from(rest.Raw, "base64").toString();
  return { reference: parseReference(Ref), descriptor, text: document };
}

/** The layout that Docker's pushes gave to documents. */
function rebuild(
  kept: { readonly SchemaV2Manifest?: unknown; readonly OCIManifest?: unknown },
  name: string,
  digest: string,
): string {
  const text =
    kept.OCIManifest === undefined
      ? JSON.stringify(kept.SchemaV2Manifest ?? {}, null, 3)
      : JSON.stringify(kept.OCIManifest, null, 2);
  const found = digestOf(Buffer.from(text));
  if (found === digest) return text;
  throw new Error(`internal digest mismatch for ${name}: expected ${digest}, got ${found}`);
}
