// A host port that the daemon holds, so that nobody else can bind it.
//
// Packets to it are redirected to the container by nftables before they reach this socket. What arrives here all the same
// (IPv6 to a container that has only IPv4; everything, where the network is in a namespace of its own) is carried to the container by the
// socket itself.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { NamespaceSockets } from "../namespace-sockets.ts";
import { forwardConnection } from "./forward-connection.ts";
import { forwardDatagrams } from "./forward-datagrams.ts";

export interface HeldPort {
  /** Gives the port back and ends what it carries. */
  close(): void;
}

export interface PortAddress {
  readonly proto: "tcp" | "udp";
  readonly hostIp: string;
  readonly hostPort: number;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  /** Makes the sockets that reach it, where this process' network namespace does not. */
  readonly from?: Pick<NamespaceSockets, "connect" | "datagrams">;
}

/** Rejects with the code of bind(2): EADDRINUSE, EADDRNOTAVAIL, EACCES. */
export function holdPort(port: PortAddress, target: Target): Promise<HeldPort> {
  return port.proto === "tcp" ? holdTcp(port, target) : holdUdp(port, target);
}

async function holdTcp(port: PortAddress, target: Target): Promise<HeldPort> {
  const forwarded = new Map<Socket, { close(): void }>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    forwarded.set(client, forwardConnection(client, target));
    client.once("close", () => forwarded.delete(client));
  });
  server.listen({ host: port.hostIp, port: port.hostPort, exclusive: true, ipv6Only: true });
  await once(server, "listening");
  server.on("error", () => {}); // accept(2) out of descriptors: the next one may work
  return {
    close: () => {
      server.close();
      for (const connection of forwarded.values()) connection.close(); // the address may be another container's next
    },
  };
}

async function holdUdp(port: PortAddress, target: Target): Promise<HeldPort> {
  const isIpv6 = port.hostIp.includes(":");
  const socket = createSocket({ type: isIpv6 ? "udp6" : "udp4", ipv6Only: isIpv6 });
  socket.bind({ address: port.hostIp, port: port.hostPort, exclusive: true });
  try {
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    throw error;
  }
  const clients = forwardDatagrams(socket, target);
  return {
    close: () => {
      clients.close();
      socket.close();
    },
  };
}
