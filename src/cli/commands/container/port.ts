import { isIPv6 } from "node:net";
import type { PortBinding } from "#spec/engine-api/definitions.table.ts";
import type { Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";

const address = ({ HostIp = "", HostPort = "" }: PortBinding): string =>
  `${isIPv6(HostIp) ? `[${HostIp}]` : HostIp}:${HostPort}`;

export const command: Command = {
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  about: "List port mappings or a specific mapping for the container",
  takes: [1, 2],
  flags: [],
  run: async ({ session, arguments: [name = "", port], signal }) => {
    const engine = await session.engine(signal);
    const { NetworkSettings } = await engine.containers.inspect(name, signal);
    const ports = NetworkSettings?.Ports ?? {};
    if (port !== undefined) {
      const wanted = port.includes("/") ? port : `${port}/tcp`;
      const bindings = ports[wanted];
      if (bindings === undefined || bindings === null)
        throw new ExitError(1, `Error: No public port '${port}' published for ${name}`);
      for (const binding of bindings) session.out(`${address(binding)}\n`);
      return;
    }
    const lines = Object.entries(ports)
      .sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
      .flatMap(([inside, bindings]) =>
        (bindings ?? []).map((binding) => `${inside} -> ${address(binding)}\n`),
      );
    session.out(lines.join(""));
  },
};
