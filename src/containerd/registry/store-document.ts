// Manifests, indexes and configs in the content store, labelled with what they refer to so that garbage collection keeps it.

import { randomUUID } from "node:crypto";
import { isKind, systemError } from "#base/errors.ts";
import type { Descriptor, ImageConfig, Index, Manifest } from "#spec/oci-image.ts";
import type { ContentStore } from "../content/content.ts";
import { fieldsOf } from "../rows.ts";
import type { Labels, Scope } from "../scope.ts";
import { chainIds } from "./unpack-chain.ts";

const GC = "containerd.io/gc.ref";

export const manifestLabels = (manifest: Manifest): Labels => ({
  [`${GC}.content.config`]: manifest.config.digest,
  ...Object.fromEntries(manifest.layers.map(({ digest }, index) => [`${GC}.content.l.${index}`, digest])),
});

export const indexLabels = (index: Index): Labels =>
  Object.fromEntries(index.manifests.map(({ digest }, position) => [`${GC}.content.m.${position}`, digest]));

export function configLabels(config: ImageConfig, snapshotter: string): Labels {
  const top = chainIds(config.rootfs.diff_ids).at(-1);
  return top === undefined ? {} : { [`${GC}.snapshot.${snapshotter}`]: top };
}

/** Writes a document that is in memory; existing content gets the labels. */
export async function storeDocument(
  content: Pick<ContentStore, "abort" | "info" | "openWriter" | "update">,
  scope: Scope,
  document: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  labels: Labels,
): Promise<void> {
  const { descriptor, bytes } = document;
  const { digest, size } = descriptor;
  if (await addLabels(content, scope, digest, labels)) return;
  // A name of its own: someone else may be writing the same document now.
  const ref = `document-${randomUUID()}`;
  try {
    await using writer = await content.openWriter(scope, ref, descriptor);
    await writer.write(bytes);
    await writer.commit(size, digest, labels);
  } catch (error) {
    await content.abort(scope, ref).catch(() => undefined);
    if (!isKind(error, "conflict") || !(await addLabels(content, scope, digest, labels))) throw error;
  }
}

async function addLabels(
  content: Pick<ContentStore, "info" | "update">,
  scope: Scope,
  digest: string,
  labels: Labels,
): Promise<boolean> {
  try {
    const { labels: before } = await content.info(scope, digest);
    if (Object.entries(labels).some(([key, value]) => before[key] !== value))
      await content.update(scope, digest, labels, fieldsOf(labels));
    return true;
  } catch (error) {
    if (isKind(error, "notFound")) return false;
    throw error;
  }
}

/** A whole blob in memory; larger ones are refused. */
export async function readDocument(
  content: Pick<ContentStore, "read">,
  scope: Scope,
  digest: string,
  limit: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.read(scope, digest)) {
    size += chunk.length;
    if (size > limit) throw systemError(`${digest} is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
