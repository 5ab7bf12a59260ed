import { formatReference } from "#formats/reference.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { fetchManifest } from "../../manifests/fetch.ts";
import { parseName } from "../../manifests/image-manifest.ts";
import { openManifestRegistry } from "../../manifests/manifest-registry.ts";
import { ManifestStore } from "../../manifests/store.ts";
import { messageFor } from "../../messages.ts";

const amend = toggle("amend", { short: "a", about: "Amend an existing manifest list" });
const insecure = toggle("insecure", { about: "Allow communication with an insecure registry" });

function nameOf(text: string) {
  try {
    return parseName(text);
  } catch (error) {
    throw new Error(`error parsing name for manifest list ${text}: ${messageFor(error)}`, { cause: error });
  }
}

export const command: Command = {
  usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
  about: "Create a local manifest list for annotating and pushing to a registry",
  takes: [2, ANY],
  flags: [amend, insecure],
  run: async ({ session, arguments: [target = "", ...images], option, signal }) => {
    const listName = nameOf(target);
    const store = new ManifestStore(session.connection.configFolder);
    if (store.findList(listName) !== undefined && !option(amend))
      throw new Error("refusing to amend an existing manifest list with no --amend flag");
    for (const image of images) {
      const name = parseName(image);
      using registry = await openManifestRegistry(session, name, option(insecure), signal);
      const manifest = store.find(listName, name) ?? (await fetchManifest(registry, name, signal));
      store.save(listName, name, manifest);
    }
    session.out(`Created manifest list ${formatReference(listName)}\n`);
  },
};
