import { canonicalName, parseReference, withDefaultTag } from "#formats/reference.ts";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  takes: [2, 2],
  flags: [],
  run: async ({ session, arguments: [source = "", target = ""], signal }) => {
    const reference = withDefaultTag(parse(target));
    if (reference.digest !== undefined) throw new Error("refusing to create a tag with a digest reference");
    const engine = await session.engine(signal);
    const repo = canonicalName(reference);
    await engine.images.tag(source, { repo, tag: reference.tag ?? "latest" }, signal);
  },
};

function parse(target: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(target);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    throw new Error(
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${message}`,
      {
        cause: error,
      },
    );
  }
}
