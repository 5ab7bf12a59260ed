// Networks of a new container: `--network name`, or `--network name=…,alias=…,ip=…`, and the flags beside it.

import type { EndpointSettings } from "#spec/engine-api/definitions.table.ts";
import { parseInteger } from "../grammar/flags.ts";
import type { ParsedLine } from "../grammar/parse.ts";
import { OPTIONS } from "./flags.ts";
import { splitPair, toRecord } from "./settings.ts";

export interface NetworkChoice {
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
}

interface Attachment {
  readonly name: string;
  readonly settings: EndpointSettings;
}

const isUserDefined = (name: string): boolean =>
  !["default", "bridge", "host", "none"].includes(name) && !name.startsWith("container:");

function parseAttachment(text: string): Attachment {
  if (!text.includes("=")) return { name: text, settings: {} };
  const fields = text.split(",").map((field) => {
    const equals = field.indexOf("=");
    if (equals < 0) throw new Error(`invalid key/value pair format in network: ${text}`);
    return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1).trim()] as const;
  });
  const all = (key: string): string[] => fields.filter(([name]) => name === key).map(([, value]) => value);
  const known = ["name", "alias", "ip", "ip6", "mac-address", "link-local-ip", "driver-opt", "gw-priority"];
  for (const [key] of fields) if (!known.includes(key)) throw new Error(`invalid field key ${key}`);
  const name = all("name").at(-1);
  if (name === undefined || name === "") throw new Error("network name/id is not specified");
  const driverOptions = all("driver-opt").map(splitPair);
  const priority = all("gw-priority").at(-1);
  return {
    name,
    settings: {
      ...endpointSettings({
        aliases: all("alias"),
        ip: all("ip").at(-1) ?? "",
        ip6: all("ip6").at(-1) ?? "",
        mac: all("mac-address").at(-1) ?? "",
        linkLocal: all("link-local-ip"),
      }),
      ...(driverOptions.length === 0 ? {} : { DriverOpts: toRecord(driverOptions) }),
      ...(priority === undefined ? {} : { GwPriority: parsePriority(priority) }),
    },
  };
}

function parsePriority(text: string): number {
  try {
    return parseInteger(text);
  } catch (cause) {
    throw new Error(`invalid gw-priority: ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
}

function endpointSettings(given: {
  readonly aliases: readonly string[];
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
  readonly linkLocal: readonly string[];
}): EndpointSettings {
  const ipam = {
    ...(given.ip === "" ? {} : { IPv4Address: given.ip }),
    ...(given.ip6 === "" ? {} : { IPv6Address: given.ip6 }),
    ...(given.linkLocal.length === 0 ? {} : { LinkLocalIPs: given.linkLocal }),
  };
  return {
    ...(Object.keys(ipam).length === 0 ? {} : { IPAMConfig: ipam }),
    ...(given.aliases.length === 0 ? {} : { Aliases: given.aliases }),
    ...(given.mac === "" ? {} : { MacAddress: given.mac }),
  };
}

/** The first network is the container's mode; flags like --ip belong to it. Throws an Error in Docker's words. */
export function chooseNetworks(line: ParsedLine): NetworkChoice {
  const texts = [...line.option(OPTIONS.network), ...line.option(OPTIONS.net)];
  const [first = { name: "default", settings: {} }, ...others] = texts.map(parseAttachment);
  const flags = endpointSettings({
    aliases: [...line.option(OPTIONS.networkAlias), ...line.option(OPTIONS.netAlias)],
    ip: line.option(OPTIONS.ip),
    ip6: line.option(OPTIONS.ip6),
    mac: line.option(OPTIONS.macAddress),
    linkLocal: line.option(OPTIONS.linkLocalIp),
  });
  if (others.length > 0 && [first, ...others].some(({ name }) => name === "host" || name === "none"))
    throw new Error(
      "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    );
  const links = line.option(OPTIONS.link);
  const firstSettings = {
    ...first.settings,
    ...flags,
    ...(links.length > 0 && isUserDefined(first.name) ? { Links: links } : {}),
  };
  const wanted = [{ name: first.name, settings: firstSettings }, ...others];
  const endpoints = wanted.filter(
    ({ name, settings }) => isUserDefined(name) || Object.keys(settings).length > 0,
  );
  return {
    mode: first.name,
    endpoints: Object.fromEntries(endpoints.map(({ name, settings }) => [name, settings])),
  };
}
