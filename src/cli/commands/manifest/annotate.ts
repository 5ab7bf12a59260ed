import type { Platform } from "#spec/oci-image.ts";
import type { Command } from "../../grammar/command.ts";
import { list, text } from "../../grammar/flags.ts";
import { parseName } from "../../manifests/image-manifest.ts";
import { isListedPlatform } from "../../manifests/manifest-list.ts";
import { ManifestStore } from "../../manifests/store.ts";
import { messageFor } from "../../messages.ts";

const architecture = text("arch", { about: "Set architecture" });
const os = text("os", { about: "Set operating system" });
const osFeatures = list("os-features", { value: "strings", about: "Set operating system feature" });
const osVersion = text("os-version", { about: "Set operating system version" });
const variant = text("variant", { about: "Set architecture variant" });

function nameOf(what: string, text: string) {
  try {
    return parseName(text);
  } catch (error) {
    throw new Error(`annotate: error parsing name for ${what} ${text}: ${messageFor(error)}`, {
      cause: error,
    });
  }
}

export const command: Command = {
  usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
  about: "Add additional information to a local image manifest",
  takes: [2, 2],
  flags: [architecture, os, osFeatures, osVersion, variant],
  run: async ({ session, arguments: [target = "", image = ""], option }) => {
    const listName = nameOf("manifest list", target);
    const imageName = nameOf("manifest", image);
    const store = new ManifestStore(session.connection.configFolder);
    const found = store.find(listName, imageName);
    if (found === undefined) throw new Error(`manifest for image ${image} does not exist in ${target}`);
    const before = found.descriptor.platform;
    const features = [
      ...(before?.["os.features"] ?? []),
      ...option(osFeatures).flatMap((given) => given.split(",")),
    ];
    const version = option(osVersion) || before?.["os.version"];
    const kind = option(variant) || before?.variant;
    const platform: Platform = {
      architecture: option(architecture) || (before?.architecture ?? ""),
      os: option(os) || (before?.os ?? ""),
      ...(version && { "os.version": version }),
      ...(features.length > 0 && { "os.features": [...new Set(features)] }),
      ...(kind && { variant: kind }),
    };
    if (!isListedPlatform(platform))
      throw new Error(
        `manifest entry for image has unsupported os/arch combination: ${option(os)}/${option(architecture)}`,
      );
    store.save(listName, imageName, { ...found, descriptor: { ...found.descriptor, platform } });
  },
};
