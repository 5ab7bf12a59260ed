// Bounds the connections on which nothing is asked: beyond the limit the one that has been idle longest is closed.

import type { Server } from "node:http";
import type { Socket } from "node:net";

export function boundIdleConnections(
  server: Server,
  connected: "connection" | "secureConnection",
  limit: number,
): void {
  const idle = new Set<Socket>(); // in the order in which they became idle
  const rest = (socket: Socket): void => {
    if (socket.destroyed) return;
    idle.add(socket);
    const [longest] = idle;
    if (idle.size > limit) longest?.destroy();
    if (idle.size > limit && longest !== undefined) idle.delete(longest);
  };
  server.on(connected, (socket: Socket) => {
    socket.once("close", () => idle.delete(socket));
    rest(socket);
  });
  server.on("request", ({ socket }, response) => {
    idle.delete(socket);
    response.once("finish", () => rest(socket));
  });
  server.on("upgrade", ({ socket }) => idle.delete(socket));
}
