// docker.io/library/app:latest for two platforms as an OCI archive: busybox, and a layer that adds, changes and hides.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "#formats/digest.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import { directory, file, makeArchive, symlink } from "../images/unpacker.ts";
import { makeBusyboxRoot } from "../system/images.ts";
import { must } from "../system/process.ts";

export interface AppImage {
  readonly archive: string;
  /** What walks call {index}, {manifest}, {config}, {layer0}, {chain0} and so on. */
  readonly digests: Readonly<Record<string, string>>;
}

export async function writeAppImage(folder: string): Promise<AppImage> {
  const layout = join(folder, "layout");
  const blobs = join(layout, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const digest = digestOf(bytes);
    await writeFile(join(blobs, digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const addJson = (mediaType: string, value: unknown): Promise<Descriptor> =>
    add(mediaType, Buffer.from(JSON.stringify(value)));
  const base = await packBusybox(folder);
  const above = makeArchive([
    directory("added"),
    file("added/file", "added\n"),
    symlink("added/link", "file"),
    file("etc/.wh.group", ""),
    file("etc/passwd", "root:x:0:0:changed:/root:/bin/sh\n"),
  ]);
  const layers = [
    await add(mediaTypes.ociLayer, base),
    await add(`${mediaTypes.ociLayer}+gzip`, gzipSync(above)),
  ] as const;
  const manifests: object[] = [];
  const named: Record<string, string> = {};
  for (const architecture of ["amd64", "arm64"]) {
    const config = await addJson(mediaTypes.ociConfig, {
      os: "linux",
      architecture,
      config: {
        Env: ["PATH=/bin", "FROM_IMAGE=yes"],
        Cmd: ["sh"],
        WorkingDir: "/root",
        Labels: { made: "here" },
      },
      rootfs: { type: "layers", diff_ids: [digestOf(base), digestOf(above)] },
    });
    const manifest = await addJson(mediaTypes.ociManifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config,
      layers,
    });
    named[`config-${architecture}`] = config.digest;
    named[`manifest-${architecture}`] = manifest.digest;
    manifests.push({ ...manifest, platform: { os: "linux", architecture } });
  }
  const index = await addJson(mediaTypes.ociIndex, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests,
  });
  await writeEntryPoint(layout, index);
  const archive = join(folder, "app.tar");
  await must(["tar", "-C", layout, "-cf", archive, "oci-layout", "index.json", "blobs"]);
  const [diff0, diff1] = [digestOf(base), digestOf(above)];
  const [layer0, layer1] = layers;
  const digests = {
    index: index.digest,
    ...named,
    layer0: layer0.digest,
    layer1: layer1.digest,
    chain0: diff0,
    chain1: digestOf(`${diff0} ${diff1}`),
  };
  return { archive, digests };
}

async function writeEntryPoint(layout: string, index: Descriptor): Promise<void> {
  const annotations = { "io.containerd.image.name": "docker.io/library/app:latest" };
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations }] }),
  );
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

async function packBusybox(folder: string): Promise<Buffer> {
  await using root = await makeBusyboxRoot();
  const archive = join(folder, "base.tar");
  await must(["tar", "-C", root.path, "--owner=0", "--group=0", "-cf", archive, "."]);
  return readFile(archive);
}
