import type { Command } from "../../grammar/command.ts";
import { integer, list, text } from "../../grammar/flags.ts";
import { parseLabel, toRecord } from "../../run-options/settings.ts";

const alias = list("alias", { value: "strings", about: "Add network-scoped alias for the container" });
const driverOpt = list("driver-opt", { value: "strings", about: "driver options for the network" });
const priority = integer("gw-priority", {
  about: "Highest gw-priority provides the default gateway. Accepts positive and negative values",
});
const ip = text("ip", { about: 'IPv4 address (e.g., "172.30.100.104")' });
const ip6 = text("ip6", { about: 'IPv6 address (e.g., "2001:db8::33")' });
const link = list("link", { about: "Add link to another container" });
const linkLocal = list("link-local-ip", {
  value: "strings",
  about: "Add a link-local address for the container",
});

export const command: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  about: "Connect a container to a network",
  takes: [2, 2],
  flags: [alias, driverOpt, priority, ip, ip6, link, linkLocal],
  run: async ({ session, arguments: [network = "", container = ""], option, signal }) => {
    const engine = await session.engine(signal);
    const weight = option(priority);
    await engine.networks.connect(
      network,
      {
        Container: container,
        EndpointConfig: {
          IPAMConfig: {
            ...(option(ip) === "" ? {} : { IPv4Address: option(ip) }),
            ...(option(ip6) === "" ? {} : { IPv6Address: option(ip6) }),
            ...(option(linkLocal).length === 0 ? {} : { LinkLocalIPs: option(linkLocal) }),
          },
          Aliases: option(alias),
          Links: option(link),
          DriverOpts: toRecord(option(driverOpt).map(parseLabel)),
          ...(weight === undefined ? {} : { GwPriority: weight }),
        },
      },
      signal,
    );
  },
};
