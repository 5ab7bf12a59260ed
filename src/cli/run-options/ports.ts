// Ports of `-p` and `--expose`: [address:][host[-range]:]container[-range][/protocol].

import { isIP } from "node:net";
import type { PortBinding } from "#spec/engine-api/definitions.table.ts";

interface Range {
  readonly first: number;
  readonly last: number;
}

export interface PublishedPort {
  /** "80/tcp". */
  readonly port: string;
  readonly binding: PortBinding;
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const range = { first: Number(match[1]), last: Number(match[2] ?? match[1]) };
  return range.last <= 65535 && range.first <= range.last ? range : undefined;
}

const lengthOf = (range: Range): number => range.last - range.first + 1;

/** Splits at the last two colons outside of the brackets of an IPv6 address. */
function splitParts(text: string): { address: string; host: string; container: string } {
  const last = text.lastIndexOf(":");
  const container = text.slice(last + 1);
  if (last < 0) return { address: "", host: "", container };
  const before = text.slice(0, last);
  const middle = before.lastIndexOf(":");
  if (middle < 0) return { address: "", host: before, container };
  return { address: before.slice(0, middle), host: before.slice(middle + 1), container };
}

function checkAddress(text: string): string {
  const address = text.replace(/^\[(.*)\]$/, "$1");
  if (address !== "" && isIP(address) === 0) throw new Error(`invalid IP address: ${text}`);
  return address;
}

function protocolOf(text: string): string {
  const protocol = text === "" ? "tcp" : text.toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new Error(`invalid proto: ${text}`);
  return protocol;
}

/** The host port of the nth container port: its own of a range of equal length, or the whole range to choose from. */
function hostPortOf(host: Range | undefined, container: Range, at: number): string {
  if (host === undefined) return "";
  if (lengthOf(host) === lengthOf(container)) return String(host.first + at);
  return `${host.first}-${host.last}`;
}

function parseShort(text: string): readonly PublishedPort[] {
  const [ports = "", protocolText = "", ...more] = text.split("/");
  if (more.length > 0) throw new Error(`invalid proto: ${text}`);
  const { address, host, container } = splitParts(ports);
  if (container === "") throw new Error(`no port specified: ${text}<empty>`);
  const inside = parseRange(container);
  if (inside === undefined) throw new Error(`invalid containerPort: ${container}`);
  const outside = host === "" ? undefined : parseRange(host);
  if (host !== "" && outside === undefined) throw new Error(`invalid hostPort: ${host}`);
  const isOne = lengthOf(inside) === 1;
  if (outside !== undefined && lengthOf(outside) !== lengthOf(inside) && !isOne)
    throw new Error(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  const protocol = protocolOf(protocolText);
  const hostIp = checkAddress(address);
  return Array.from({ length: lengthOf(inside) }, (_, at) => ({
    port: `${inside.first + at}/${protocol}`,
    binding: { HostIp: hostIp, HostPort: hostPortOf(outside, inside, at) },
  }));
}

/** "target=80,published=8080,protocol=tcp,mode=host": the long form. */
function parseLong(text: string): readonly PublishedPort[] {
  const fields = new Map(
    text.split(",").map((field) => {
      const [key = "", value] = field.toLowerCase().split("=");
      if (value === undefined) throw new Error(`invalid field: ${field}`);
      return [key, value] as const;
    }),
  );
  for (const key of fields.keys())
    if (!["target", "published", "protocol", "mode"].includes(key))
      throw new Error(`invalid field key: ${key}`);
  const target = fields.get("target") ?? "";
  if (target === "") throw new Error("missing mandatory field: target");
  return parseShort(`${fields.get("published") ?? ""}:${target}/${fields.get("protocol") ?? "tcp"}`);
}

/** Throws an Error in Docker's words. */
export const parsePublish = (text: string): readonly PublishedPort[] =>
  text.includes("=") ? parseLong(text) : parseShort(text);

/** "80", "80-82/udp" to "80/tcp", … */
export function parseExpose(text: string): readonly string[] {
  if (text.includes(":")) throw new Error(`invalid port format for --expose: ${text}`);
  const [ports = "", protocolText = ""] = text.split("/");
  const range = parseRange(ports);
  if (range === undefined)
    throw new Error(`invalid range format for --expose: ${ports}, error: invalid start port '${ports}'`);
  const protocol = protocolOf(protocolText);
  return Array.from({ length: lengthOf(range) }, (_, at) => `${range.first + at}/${protocol}`);
}
