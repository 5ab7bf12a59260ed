import { completionScripts } from "../../completion/scripts.ts";
import type { Command } from "../../grammar/command.ts";
import { PROGRAM } from "../../version.ts";

export const command: Command = {
  usage: "bash|fish|zsh",
  about: `Print what completes this program's words in a shell

bash:  source <(${PROGRAM} completion bash)
zsh:   source <(${PROGRAM} completion zsh)
fish:  ${PROGRAM} completion fish | source`,
  takes: [1, 1],
  flags: [],
  run: async ({ session, arguments: [shell = ""] }) => {
    const script = completionScripts[shell];
    if (script === undefined)
      throw new Error(
        `completion of ${shell} is not supported by this version of Gantry: bash, fish and zsh are`,
      );
    session.out(script(PROGRAM));
  },
};
