import { indentJson } from "#formats/json-text.ts";
import type { Reference } from "#formats/reference.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { fetchManifest, fetchManifestList } from "../../manifests/fetch.ts";
import { encodeImageManifest, type ImageManifest, parseName } from "../../manifests/image-manifest.ts";
import { buildManifestList } from "../../manifests/manifest-list.ts";
import { openManifestRegistry } from "../../manifests/manifest-registry.ts";
import { ManifestStore } from "../../manifests/store.ts";
import { messageFor } from "../../messages.ts";

const insecure = toggle("insecure", { about: "Allow communication with an insecure registry" });
const verbose = toggle("verbose", {
  short: "v",
  about: "Output additional info including layers and platform",
});

const showManifest = (image: ImageManifest, isVerbose: boolean): string =>
  indentJson(isVerbose ? encodeImageManifest(image) : image.text, "\t");

function showList(name: Reference, images: readonly ImageManifest[], isVerbose: boolean): string {
  if (isVerbose) return indentJson(`[${images.map(encodeImageManifest).join(",")}]`, "\t");
  try {
    return buildManifestList(name, images).text;
  } catch (error) {
    throw new Error(`failed to assemble ManifestDescriptor: ${messageFor(error)}`, { cause: error });
  }
}

export const command: Command = {
  usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
  about: "Display an image manifest, or manifest list",
  takes: [1, 2],
  flags: [insecure, verbose],
  run: async ({ session, arguments: names, option, signal }) => {
    const [first = "", second] = names;
    const name = parseName(second ?? first);
    const store = new ManifestStore(session.connection.configFolder);
    const isVerbose = option(verbose);
    if (second !== undefined)
      return session.out(`${showManifest(store.get(parseName(first), name), isVerbose)}\n`);
    const local = store.findList(name);
    if (local !== undefined) return session.out(`${showList(name, local, isVerbose)}\n`);
    using registry = await openManifestRegistry(session, name, option(insecure), signal);
    // What it is not, or why there is none, is told by the second question.
    const image = await fetchManifest(registry, name, signal).catch(() => undefined);
    if (image !== undefined) return session.out(`${showManifest(image, isVerbose)}\n`);
    session.out(`${showList(name, await fetchManifestList(registry, name, signal), isVerbose)}\n`);
  },
};
