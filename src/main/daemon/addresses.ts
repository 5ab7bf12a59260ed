// dockerd's host addresses: unix:///path, tcp://host:port, fd:// for sockets that systemd has opened.

import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { BlockList } from "node:net";
import { invalid } from "#base/errors.ts";
import type { Address, TlsFiles } from "#transport/http/server.ts";

type TcpAddress = Extract<Address, { readonly kind: "tcp" }>;

export interface HostOptions {
  /** Of unix sockets; without it they belong to root alone. */
  readonly gid?: number;
  /** Of TCP addresses. */
  readonly tls?: TlsFiles;
}

/** Throws `invalid` for what is no address. */
export function parseHost(host: string, { gid, tls }: HostOptions): Address {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(host) ?? [];
  switch (scheme) {
    case "unix":
      if (!rest.startsWith("/")) throw invalid(`Invalid bind address format: ${host}`);
      return { kind: "unix", path: rest, mode: 0o660, ...(gid !== undefined && { gid }) };
    case "tcp":
      return { ...parseTcp(host, rest, tls === undefined ? 2375 : 2376), ...(tls !== undefined && { tls }) };
    case "fd":
      return { kind: "fd", fd: rest === "" || rest === "*" ? firstFd : Number(rest) };
    default:
      throw invalid(`Invalid bind address format: ${host}`);
  }
}

function parseTcp(host: string, rest: string, defaultPort: number): TcpAddress {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:/[\]]*)(?::(\d+))?\/?$/.exec(rest);
  const port = Number(match?.[2] ?? defaultPort);
  if (match === null || port > 65535) throw invalid(`Invalid bind address format: ${host}`);
  const name = (match[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", host: name === "" ? "127.0.0.1" : name, port };
}

/** man 3 sd_listen_fds: the first descriptor that is handed over. */
const firstFd = 3;

/** "fd://" stands for every socket that was handed over. Throws `invalid` if there is none. */
export function expandFds(hosts: readonly string[], env: NodeJS.ProcessEnv, pid: number): readonly string[] {
  const count = env.LISTEN_PID === String(pid) ? Number(env.LISTEN_FDS ?? 0) : 0;
  return hosts.flatMap((host) => {
    if (!host.startsWith("fd://")) return [host];
    if (count === 0)
      throw invalid(
        "failed to load listeners: no sockets found via socket activation: make sure the service was started by systemd",
      );
    return host === "fd://" || host === "fd://*"
      ? Array.from({ length: count }, (_, index) => `fd://${firstFd + index}`)
      : [host];
  });
}

/** The address as dockerd logs it. */
export function showAddress(address: Address): string {
  switch (address.kind) {
    case "unix":
      return address.path;
    case "fd":
      return `fd://${address.fd}`;
    case "tcp":
      return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
    default:
      return address satisfies never;
  }
}

/** Whoever reaches the API is root on this machine: without verified clients it is for this machine alone, unless one says so. */
export async function refuseExposed(address: Address, insecure: boolean): Promise<void> {
  if (address.kind !== "tcp" || address.tls?.clientCa !== undefined || insecure) return;
  if (await isLoopback(address.host)) return;
  throw invalid(
    `failed to load listeners: binding to tcp://${showAddress(address)} without --tlsverify gives root access on this machine to everyone who has access to your network. Use --tlsverify, or give --tls=false or --tlsverify=false to bind all the same`,
  );
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

async function isLoopback(host: string): Promise<boolean> {
  if (host === "localhost") return true;
  try {
    const addresses = await lookup(host, { all: true });
    return addresses.every(({ address, family }) => loopback.check(address, family === 6 ? "ipv6" : "ipv4"));
  } catch {
    return false;
  }
}

/** The id of a group by its name or number; undefined if there is none of that name. */
export function findGroup(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((text) => text.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}
