// Images of one layer to measure with, as archives that every program loads, without any of them.

import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../tests/system/process.ts";
import { makeLayer } from "./layer.ts";

/** "files" has many small ones, "file" has one that is an archive of them. */
export type Kind = "files" | "file";

export interface ArchiveRequest {
  readonly folder: string;
  readonly kind: Kind;
  readonly megabytes: number;
  /** Path of the archive's only image. */
  readonly reference: string;
  /** Folder that its files are in: one by which its layer is nobody else's. */
  readonly within: string;
}

/** Path of the archive. */
export async function makeImageArchive(request: ArchiveRequest): Promise<string> {
  const { folder, kind, megabytes, reference, within } = request;
  const layer = join(folder, "layer.tar");
  const { archive } = await makeLayer(folder, megabytes, within);
  if (kind === "file") {
    await rename(archive, join(folder, within));
    await must(["tar", "-C", folder, "-cf", layer, within]);
    await rm(join(folder, within));
  }
  const [digest = ""] = (await must(["sha256sum", layer])).split(" ");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{ created_by: "bench" }],
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: [reference], Layers: ["layer.tar"] }];
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  const image = join(folder, `${within}.tar`);
  await must(["tar", "-C", folder, "-cf", image, "manifest.json", "config.json", "layer.tar"]);
  await rm(layer);
  return image;
}

/** From an archive to the registry that its image names; the layer is compressed on the way. */
export async function pushArchive(archive: string, reference: string, netns: string): Promise<void> {
  const copy = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false"];
  await must([...copy, `docker-archive:${archive}`, `docker://${reference}`], { netns });
}
