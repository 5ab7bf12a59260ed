import { formatReference, type Reference } from "#formats/reference.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { blobsOf, type ImageManifest, parseName } from "../../manifests/image-manifest.ts";
import { buildManifestList } from "../../manifests/manifest-list.ts";
import { type ManifestRegistry, openManifestRegistry } from "../../manifests/manifest-registry.ts";
import { ManifestStore } from "../../manifests/store.ts";

const insecure = toggle("insecure", { about: "Allow push to an insecure registry" });
const purge = toggle("purge", { short: "p", about: "Remove the local manifest list after push" });

/** Windows' base layers are where the image says, not in the registry. */
const mayLack = ({ descriptor }: ImageManifest): boolean => descriptor.platform?.os === "windows";

/** Lets the list's repository have what a manifest of another repository refers to. */
async function mountBlobs(
  registry: ManifestRegistry,
  target: Reference,
  image: ImageManifest,
  signal: AbortSignal,
): Promise<void> {
  const from = image.reference.path;
  for (const digest of blobsOf(image)) {
    const mounted = await registry.mountBlob(target, { from, digest }, signal);
    if (!mounted && !mayLack(image))
      throw new Error(`error mounting ${from}@${digest} to ${formatReference(target)}`);
  }
}

function checkPlatforms(images: readonly ImageManifest[]): void {
  for (const { reference, descriptor } of images)
    if (!descriptor.platform?.architecture || !descriptor.platform.os)
      throw new Error(
        `manifest ${formatReference(reference)} must have an OS and Architecture to be pushed to a registry`,
      );
}

export const command: Command = {
  usage: "[OPTIONS] MANIFEST_LIST",
  about: "Push a manifest list to a repository",
  takes: [1, 1],
  flags: [insecure, purge],
  run: async ({ session, arguments: [target = ""], option, signal }) => {
    const name = parseName(target);
    const store = new ManifestStore(session.connection.configFolder);
    const images = store.getList(name);
    if (images.length === 0) throw new Error(`${formatReference(name)} not found`);
    checkPlatforms(images);
    const document = buildManifestList(name, images);
    const foreign = images.filter(({ reference }) => reference.path !== name.path);
    using registry = await openManifestRegistry(session, name, option(insecure), signal);
    for (const image of foreign) await mountBlobs(registry, name, image, signal);
    for (const { descriptor, text } of foreign) {
      const { domain, path } = name;
      const own = { domain, path, digest: descriptor.digest };
      const digest = await registry.putManifest(own, { mediaType: descriptor.mediaType, text }, signal);
      session.out(`Pushed ref ${formatReference(own)} with digest: ${digest}\n`);
    }
    session.out(`${await registry.putManifest(name, document, signal)}\n`);
    if (option(purge)) store.remove(name);
  },
};
