// An image as an OCI layout on disk, for programs that copy it elsewhere.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "#formats/digest.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import { type LayerEntry, makeArchive } from "./unpacker.ts";

/** Writes an image with uncompressed layers of these entries, tagged "latest". */
export async function writeOciLayout(
  folder: string,
  layers: readonly (readonly LayerEntry[])[],
): Promise<void> {
  const blobs = join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const digest = digestOf(bytes);
    await writeFile(join(blobs, digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const addJson = (mediaType: string, value: unknown): Promise<Descriptor> =>
    add(mediaType, Buffer.from(JSON.stringify(value)));
  const archives = layers.map((entries) => makeArchive(entries));
  const descriptors = await Promise.all(archives.map((archive) => add(mediaTypes.ociLayer, archive)));
  const config = await addJson(mediaTypes.ociConfig, {
    os: "linux",
    architecture: "amd64",
    config: { Cmd: ["true"] },
    rootfs: { type: "layers", diff_ids: archives.map(digestOf) },
  });
  const manifest = await addJson(mediaTypes.ociManifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers: descriptors,
  });
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}
