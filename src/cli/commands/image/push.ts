import { familiarName, formatReference, parseReference, withDefaultTag } from "#formats/reference.ts";
import { disableContentTrust } from "../../content-trust.ts";
import type { Command } from "../../grammar/command.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { awaitProgress, showProgress } from "../../output/progress.ts";
import { checkPlatform } from "../../platform.ts";
import { registryAuth } from "../../registry-auth.ts";

const allTags = toggle("all-tags", { short: "a", about: "Push all tags of an image to the repository" });
const platform = text("platform", {
  about: `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
});
const quiet = toggle("quiet", { short: "q", about: "Suppress verbose output" });

const platformNote = `Using --platform pushes only the specified platform manifest of a multi-platform image index.
Other components, like attestations, will not be included.
To push the complete multi-platform image, remove the --platform flag.
`;

export const command: Command = {
  usage: "[OPTIONS] NAME[:TAG]",
  about: "Upload an image to a registry",
  takes: [1, 1],
  flags: [allTags, platform, quiet, disableContentTrust],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const wanted = option(platform);
    checkPlatform(wanted);
    if (wanted !== "")
      session.out(`\n Info -> ${platformNote.trimEnd().replaceAll("\n", "\n         ")}\n         \n`);
    const given = parseReference(name);
    const nameOnly = given.tag === undefined && given.digest === undefined;
    if (option(allTags) && !nameOnly) throw new Error("tag can't be used with --all-tags/-a");
    const reference = option(allTags) ? given : withDefaultTag(given);
    if (!option(allTags) && nameOnly && !option(quiet)) session.out("Using default tag: latest\n");
    if (reference.digest !== undefined) throw new Error("cannot push a digest reference");
    const engine = await session.engine(signal);
    const auth = await registryAuth(session, reference, signal);
    const { tag } = reference;
    const image = {
      name: familiarName(reference),
      ...(tag !== undefined && { tag }),
      ...(wanted !== "" && { platform: platformQuery(wanted) }),
    };
    const messages = engine.images.push(image, auth, signal);
    if (!option(quiet)) return await showProgress(messages, session.surroundings.stdout);
    await awaitProgress(messages);
    session.out(`${formatReference(reference)}\n`);
  },
};

function platformQuery(wanted: string) {
  const [first = "", second, variant] = wanted.split("/");
  const os = second === undefined ? "linux" : first;
  return { os, architecture: second ?? first, ...(variant !== undefined && { variant }) };
}
