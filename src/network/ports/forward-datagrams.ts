// Carries datagrams to a container: one socket for each client, so that answers find their way back.

import { createSocket, type Socket } from "node:dgram";
import type { Target } from "./held-port.ts";

const IDLE_MS = 90_000;
/** A flood of forged senders must not take all descriptors. */
const MAX_CLIENTS = 256;

interface Client {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

export function forwardDatagrams(listener: Socket, target: Target): { close(): void } {
  const clients = new Map<string, Client>();
  const forget = (key: string): void => {
    const client = clients.get(key);
    if (client === undefined) return;
    clients.delete(key);
    clearTimeout(client.timer);
    client.socket.close();
  };
  const open = (key: string, address: string, port: number): Client => {
    const socket = createSocket("udp4");
    const client: Client = { socket, timer: setTimeout(() => forget(key), IDLE_MS).unref() };
    clients.set(key, client);
    socket.on("error", () => forget(key));
    socket.on("message", (answer) => {
      client.timer.refresh();
      listener.send(answer, port, address);
    });
    return client;
  };
  listener.on("error", () => {}); // an answer that could not be sent is lost, as datagrams are
  listener.on("message", (data, sender) => {
    if (sender.port === 0) return; // forged: nothing can be sent there, and Node throws
    const key = `${sender.address} ${sender.port}`;
    const known = clients.get(key);
    if (known === undefined && clients.size >= MAX_CLIENTS) return;
    const client = known ?? open(key, sender.address, sender.port);
    client.timer.refresh();
    client.socket.send(data, target.port, target.address);
  });
  return {
    close: () => {
      for (const key of [...clients.keys()]) forget(key);
    },
  };
}
