import { open } from "node:fs/promises";
import type { Command } from "../../grammar/command.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { showProgress } from "../../output/progress.ts";
import { encodePlatform, PLATFORM_HELP } from "../../platform.ts";

const input = text("input", { short: "i", about: "Read from tar archive file, instead of STDIN" });
const quiet = toggle("quiet", { short: "q", about: "Suppress the load output" });

const platform = text("platform", { about: `Load only the given platform variant. ${PLATFORM_HELP}` });

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Load an image from a tar archive or STDIN",
  takes: [0, 0],
  flags: [input, quiet, platform],
  run: async ({ session, option, signal }) => {
    const { stdin, stdout } = session.surroundings;
    const path = option(input);
    const wanted = encodePlatform(option(platform));
    if (path === "" && stdin.isTTY === true) throw new Error("requested load from stdin, but stdin is empty");
    await using file = path === "" ? undefined : await open(path);
    const body = file?.createReadStream({ autoClose: false }) ?? stdin;
    const engine = await session.engine(signal);
    const isQuiet = option(quiet) || stdout.isTTY !== true;
    const options = { quiet: isQuiet, platform: wanted };
    await showProgress(engine.images.load(body, options, signal), stdout);
  },
};
