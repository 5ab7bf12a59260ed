import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";

const force = toggle("force", { short: "f", about: "Force the container to disconnect from a network" });

export const command: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  about: "Disconnect a container from a network",
  takes: [2, 2],
  flags: [force],
  run: async ({ session, arguments: [network = "", Container = ""], option, signal }) => {
    const engine = await session.engine(signal);
    await engine.networks.disconnect(network, { Container, Force: option(force) }, signal);
  },
};
