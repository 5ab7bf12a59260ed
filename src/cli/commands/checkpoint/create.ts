import { checkpointDirFlag, requireExperimental } from "../../experimental.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";

const leaveRunning = toggle("leave-running", { about: "Leave the container running after checkpoint" });

export const command: Command = {
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  about: "Create a checkpoint from a running container",
  takes: [2, 2],
  flags: [checkpointDirFlag, leaveRunning],
  run: async ({ session, arguments: [container = "", name = ""], option, signal }) => {
    const engine = await session.engine(signal);
    await requireExperimental(engine, "docker checkpoint create", signal);
    const wanted = {
      CheckpointID: name,
      CheckpointDir: option(checkpointDirFlag),
      Exit: !option(leaveRunning),
    };
    await engine.checkpoints.create(container, wanted, signal);
    session.out(`${name}\n`);
  },
};
