// Where a daemon listens, as DOCKER_HOST writes it.

import { parseSshHost } from "./ssh.ts";

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Refuse a server whose certificate `ca` (or the system) does not vouch for. */
  readonly verify: boolean;
}

export type Endpoint =
  | { readonly kind: "ssh"; readonly text: string; readonly command: readonly string[] }
  | { readonly kind: "unix"; readonly text: string; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly text: string;
      readonly host: string;
      readonly port: number;
      readonly basePath: string;
      readonly tls?: TlsMaterial;
    };

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** "unix:///run/docker.sock", "tcp://10.0.0.1:2376". Throws an Error in Docker's words. */
export function parseEndpoint(text: string, tls?: TlsMaterial): Endpoint {
  const match = /^([a-z]+):\/\/(.*)$/.exec(text.trim());
  if (match === null) return parseEndpoint(`tcp://${text.trim()}`, tls);
  const [, scheme = "", rest = ""] = match;
  switch (scheme) {
    case "unix":
      if (rest === "") throw new Error(`invalid bind address (${text}): no path`);
      return { kind: "unix", text: `unix://${rest}`, path: rest };
    case "tcp":
    case "http":
    case "https":
      return tcpEndpoint(text.trim(), rest, tls);
    case "ssh":
      return { kind: "ssh", text: text.trim(), command: parseSshHost(text.trim()) };
    case "npipe":
    case "fd":
      throw new Error(`the protocol ${scheme}:// is not supported by this version of Gantry`);
    default:
      throw new Error(`invalid bind address format: ${text}`);
  }
}

function tcpEndpoint(text: string, rest: string, tls: TlsMaterial | undefined): Endpoint {
  const address = URL.parse(`http://${rest === "" ? "localhost" : rest}`);
  if (address === null) throw new Error(`unable to parse docker host \`${text}\``);
  const port = address.port === "" ? defaultPort(text, tls) : Number(address.port);
  const basePath = address.pathname.replace(/\/$/, "");
  const host = address.hostname.replace(/^\[|\]$/g, "");
  return { kind: "tcp", text, host, port, basePath, ...(tls === undefined ? {} : { tls }) };
}

function defaultPort(text: string, tls: TlsMaterial | undefined): number {
  if (text.startsWith("http:")) return 80;
  return tls === undefined ? PLAIN_PORT : TLS_PORT;
}
