import { checkpointDirFlag, requireExperimental } from "../../experimental.ts";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  about: "Remove a checkpoint",
  takes: [2, 2],
  flags: [checkpointDirFlag],
  run: async ({ session, arguments: [container = "", name = ""], option, signal }) => {
    const engine = await session.engine(signal);
    await requireExperimental(engine, "docker checkpoint rm", signal);
    await engine.checkpoints.remove(container, name, option(checkpointDirFlag), signal);
  },
};
