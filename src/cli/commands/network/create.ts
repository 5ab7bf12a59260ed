import type { IPAMConfig } from "#spec/engine-api/definitions.table.ts";
import type { Command } from "../../grammar/command.ts";
import { list, listOf, text, toggle, unsupportedFlags } from "../../grammar/flags.ts";
import { parseLabel, toRecord } from "../../run-options/settings.ts";

const attachable = toggle("attachable", { about: "Enable manual container attachment" });
const driver = text("driver", { short: "d", shown: "bridge", about: "Driver to manage the Network" });
const gateway = list("gateway", { value: "strings", about: "IPv4 or IPv6 Gateway for the master subnet" });
const internal = toggle("internal", { about: "Restrict external access to the network" });
const ipRange = list("ip-range", { value: "strings", about: "Allocate container ip from a sub-range" });
const ipamDriver = text("ipam-driver", { shown: "default", about: "IP Address Management Driver" });
const ipv4 = toggle("ipv4", { shown: "true", about: "Enable or disable IPv4 address assignment" });
const ipv6 = toggle("ipv6", { about: "Enable or disable IPv6 address assignment" });
const label = list("label", { about: "Set metadata on a network" });
const options = listOf(
  "opt",
  { short: "o", value: "map", shown: "map[]", about: "Set driver specific options" },
  parseLabel,
);
const scope = text("scope", { about: "Control the network's scope" });
const subnet = list("subnet", {
  value: "strings",
  about: "Subnet in CIDR format that represents a network segment",
});

const split = (texts: readonly string[]): readonly string[] => texts.flatMap((text) => text.split(","));

/** The nth gateway and range belong to the nth subnet; which fits which is for the daemon to check. */
function ipamConfig(
  subnets: readonly string[],
  ranges: readonly string[],
  gateways: readonly string[],
): readonly IPAMConfig[] {
  if (subnets.length < Math.max(ranges.length, gateways.length))
    throw new Error("every ip-range or gateway must have a corresponding subnet");
  return subnets.map((Subnet, at) => ({
    Subnet,
    ...(ranges[at] === undefined ? {} : { IPRange: ranges[at] }),
    ...(gateways[at] === undefined ? {} : { Gateway: gateways[at] }),
  }));
}

export const command: Command = {
  usage: "[OPTIONS] NETWORK",
  about: "Create a network",
  takes: [1, 1],
  flags: [
    attachable,
    driver,
    gateway,
    internal,
    ipRange,
    ipamDriver,
    ipv4,
    ipv6,
    label,
    options,
    scope,
    subnet,
    ...unsupportedFlags("aux-address", "config-from", "config-only", "ingress", "ipam-opt"),
  ],
  run: async ({ session, arguments: [Name = ""], option, isGiven, signal }) => {
    const engine = await session.engine(signal);
    const { Id, Warning } = await engine.networks.create(
      {
        Name,
        Driver: option(driver),
        Options: toRecord(option(options)),
        IPAM: {
          Driver: option(ipamDriver),
          Config: ipamConfig(split(option(subnet)), split(option(ipRange)), split(option(gateway))),
        },
        Internal: option(internal),
        Attachable: option(attachable),
        Labels: toRecord(option(label).map(parseLabel)),
        ...(option(scope) === "" ? {} : { Scope: option(scope) }),
        ...(isGiven(ipv4) ? { EnableIPv4: option(ipv4) } : {}),
        ...(isGiven(ipv6) ? { EnableIPv6: option(ipv6) } : {}),
      },
      signal,
    );
    if (Warning !== undefined && Warning !== "") session.err(`WARNING: ${Warning}\n`);
    session.out(`${Id}\n`);
  },
};
