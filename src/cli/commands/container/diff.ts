import type { Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";

const KINDS = ["C", "A", "D"] as const;

export const command: Command = {
  usage: "CONTAINER",
  about: "Inspect changes to files or directories on a container's filesystem",
  takes: [1, 1],
  flags: [],
  run: async ({ session, arguments: [name = ""], signal }) => {
    if (name === "") throw new ExitError(1, "Container name cannot be empty");
    const engine = await session.engine(signal);
    const changes = await engine.containers.changes(name, signal);
    session.out(changes.map(({ Kind, Path }) => `${KINDS[Number(Kind ?? 0)] ?? "?"} ${Path}\n`).join(""));
  },
};
