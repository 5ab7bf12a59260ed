import type { Command } from "../../grammar/command.ts";
import { list, listOf, text, toggle } from "../../grammar/flags.ts";
import { ipamConfig } from "../../run-options/ipam.ts";
import { parseLabel, toRecord } from "../../run-options/settings.ts";

const attachable = toggle("attachable", { about: "Enable manual container attachment" });
const auxAddress = listOf(
  "aux-address",
  { value: "map", shown: "map[]", about: "Auxiliary IPv4 or IPv6 addresses used by Network driver" },
  parseLabel,
);
const configFrom = text("config-from", { about: "The network from which to copy the configuration" });
const configOnly = toggle("config-only", { about: "Create a configuration only network" });
const driver = text("driver", { short: "d", shown: "bridge", about: "Driver to manage the Network" });
const gateway = list("gateway", { value: "strings", about: "IPv4 or IPv6 Gateway for the master subnet" });
const ingress = toggle("ingress", { about: "Create swarm routing-mesh network" });
const internal = toggle("internal", { about: "Restrict external access to the network" });
const ipRange = list("ip-range", { value: "strings", about: "Allocate container ip from a sub-range" });
const ipamDriver = text("ipam-driver", { shown: "default", about: "IP Address Management Driver" });
const ipamOpt = listOf(
  "ipam-opt",
  { value: "map", shown: "map[]", about: "Set IPAM driver specific options" },
  parseLabel,
);
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
    auxAddress,
    configFrom,
    configOnly,
    ingress,
    ipamOpt,
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
          Options: toRecord(option(ipamOpt)),
          Config: ipamConfig({
            subnets: split(option(subnet)),
            ranges: split(option(ipRange)),
            gateways: split(option(gateway)),
            auxiliary: toRecord(option(auxAddress)),
          }),
        },
        Internal: option(internal),
        Attachable: option(attachable),
        Ingress: option(ingress),
        ConfigOnly: option(configOnly),
        ...(option(configFrom) === "" ? {} : { ConfigFrom: { Network: option(configFrom) } }),
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
