import { parsePlatform } from "#spec/platform.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { text } from "../../grammar/flags.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

const platform = text("platform", {
  about:
    "Inspect a specific platform of the multi-platform image.\nIf the image or the server is not multi-platform capable, the command will error out if the platform does not match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
});

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Display detailed information on one or more images",
  takes: [1, ANY],
  flags: [inspectFormat, platform],
  run: async ({ session, arguments: names, option, signal }) => {
    const given = option(platform);
    const wanted = given === "" ? "" : JSON.stringify(parsePlatform(given));
    const engine = await session.engine(signal);
    await inspectAll(session, names, option(inspectFormat), (name) =>
      engine.images.inspectText(name, wanted, signal),
    );
  },
};
