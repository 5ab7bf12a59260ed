// dockerd's host addresses: unix:///path, tcp://host:port.

import { readFileSync } from "node:fs";
import { invalid, unsupported } from "#base/errors.ts";
import type { Address } from "#transport/http/server.ts";

/** The unix socket belongs to the group if there is one; without it, to root alone. */
export function parseHost(host: string, gid: number | undefined): Address {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(host) ?? [];
  switch (scheme) {
    case "unix":
      if (!rest.startsWith("/")) throw invalid(`Invalid bind address format: ${host}`);
      return { kind: "unix", path: rest, mode: 0o660, ...(gid !== undefined && { gid }) };
    case "tcp":
      return parseTcp(host, rest);
    case "fd":
      throw unsupported(`--host ${host}`);
    default:
      throw invalid(`Invalid bind address format: ${host}`);
  }
}

function parseTcp(host: string, rest: string): Address {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:/[\]]*)(?::(\d+))?\/?$/.exec(rest);
  const port = Number(match?.[2] ?? "2375");
  if (match === null || port > 65535) throw invalid(`Invalid bind address format: ${host}`);
  const name = (match[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", host: name === "" ? "127.0.0.1" : name, port };
}

/** The address as dockerd logs it. */
export const showAddress = (address: Address): string =>
  address.kind === "unix"
    ? address.path
    : `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;

/** The id of a group by its name or number; undefined if there is none of that name. */
export function findGroup(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((text) => text.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}
