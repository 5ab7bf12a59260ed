// busybox in the store as a pull would leave it: blobs, image record and unpacked snapshot, made through the services alone.

import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Labels, Scope } from "#containerd/scope.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { digestOf } from "#formats/digest.ts";
import { makeBusyboxRoot } from "../system/images.ts";
import { must } from "../system/process.ts";

const oci = "application/vnd.oci.image";

export async function makeBusyboxImage(
  services: ContainerdServices,
  scope: Scope,
  name: string,
): Promise<void> {
  await using root = await makeBusyboxRoot();
  const layer = await packLayer(root.path);
  const chainId = digestOf(layer);
  await unpack(services, scope, { name: chainId, root: root.path });
  const layerBlob = await writeBlob(services, scope, layer, {});
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Env: ["PATH=/bin", "FROM_IMAGE=yes"], Cmd: ["sh"], WorkingDir: "/root" },
      rootfs: { type: "layers", diff_ids: [chainId] },
    }),
  );
  const configBlob = await writeBlob(services, scope, config, {
    "containerd.io/gc.ref.snapshot.overlayfs": chainId,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${oci}.manifest.v1+json`,
      config: { mediaType: `${oci}.config.v1+json`, ...configBlob },
      layers: [{ mediaType: `${oci}.layer.v1.tar`, ...layerBlob }],
    }),
  );
  const target = await writeBlob(services, scope, manifest, {
    "containerd.io/gc.ref.content.config": configBlob.digest,
    "containerd.io/gc.ref.content.l.0": layerBlob.digest,
  });
  await services.images.create(scope, {
    name,
    target: { mediaType: `${oci}.manifest.v1+json`, ...target },
    labels: {},
  });
}

async function packLayer(root: string): Promise<Buffer> {
  const archive = `${root}.tar`;
  try {
    await must(["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."]);
    return await readFile(archive);
  } finally {
    await rm(archive, { force: true });
  }
}

async function unpack(
  { snapshots }: ContainerdServices,
  scope: Scope,
  layer: { readonly name: string; readonly root: string },
): Promise<void> {
  const [mount] = await snapshots.prepare(scope, "busybox-work", "", {});
  const tree = mount?.source ?? "";
  for (const entry of await readdir(layer.root))
    await cp(join(layer.root, entry), join(tree, entry), { recursive: true, verbatimSymlinks: true });
  await snapshots.commit(scope, layer.name, "busybox-work", {});
}

async function writeBlob(
  { content }: ContainerdServices,
  scope: Scope,
  bytes: Uint8Array,
  labels: Labels,
): Promise<{ readonly digest: string; readonly size: number }> {
  await using writer = await content.openWriter(scope, digestOf(bytes));
  await writer.write(bytes);
  return { digest: await writer.commit(bytes.length, "", labels), size: bytes.length };
}
