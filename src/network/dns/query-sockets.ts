// Sockets to ask upstream servers by: each is used for one question, so that its port cannot be guessed.

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Family } from "#formats/ip-prefix.ts";

/** Whoever takes a socket closes it. */
export interface QuerySockets {
  datagrams(family: Family, signal: AbortSignal): Promise<DatagramSocket>;
  connect(address: string, port: number, signal: AbortSignal): Promise<Socket>;
}

export const DNS_PORT = 53;

/** Whoever waits is told; a failure beside an abort is nobody's any more, and must not end the daemon. */
const ignore = (): void => undefined;

/** Of this process' network namespace. */
export const hostSockets: QuerySockets = {
  datagrams: async (family, signal) => {
    const socket = createSocket(`udp${family}`).on("error", ignore);
    socket.bind();
    try {
      await once(socket, "listening", { signal });
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  },
  connect: async (address, port, signal) => {
    const socket = connect({ host: address, port, signal });
    await once(socket, "connect", { signal });
    return socket;
  },
};
