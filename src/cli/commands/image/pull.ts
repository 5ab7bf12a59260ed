import { readFile } from "node:fs/promises";
import { formatReference, parseReference, withDefaultTag } from "#formats/reference.ts";
import { disableContentTrust } from "../../content-trust.ts";
import type { Command } from "../../grammar/command.ts";
import { optionalText, text, toggle } from "../../grammar/flags.ts";
import { awaitProgress, showProgress } from "../../output/progress.ts";
import { pullImage } from "../../pull.ts";

const allTags = toggle("all-tags", { short: "a", about: "Download all tagged images in the repository" });
const platform = text("platform", { about: "Set platform if server is multi-platform capable" });
const verify = optionalText("verify", { about: "Public key (PEM) that must have signed the image" });
const quiet = toggle("quiet", { short: "q", about: "Suppress verbose output" });

export const command: Command = {
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  about: "Download an image from a registry",
  takes: [1, 1],
  flags: [allTags, platform, quiet, verify, disableContentTrust],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const given = parseReference(name);
    const everything = option(allTags);
    if (everything && (given.tag !== undefined || given.digest !== undefined))
      throw new Error("tag can't be used with --all-tags/-a");
    const reference = everything ? given : withDefaultTag(given);
    if (!everything && given.tag === undefined && given.digest === undefined && !option(quiet))
      session.out("Using default tag: latest\n");
    const messages = await pullImage(
      session,
      name,
      { platform: option(platform), allTags: everything, ...(await keyOf(option(verify))) },
      signal,
    );
    if (option(quiet)) await awaitProgress(messages);
    else await showProgress(messages, session.surroundings.stdout);
    session.out(`${formatReference(reference)}\n`);
  },
};

const keyOf = async (path: string | undefined): Promise<{ readonly signedBy?: string }> =>
  path === undefined ? {} : { signedBy: await readFile(path, "utf8") };
