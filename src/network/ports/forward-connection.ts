// Carries one TCP connection to a container, each direction closed on its own.

import { connect, type Socket } from "node:net";
import type { Target } from "./held-port.ts";

/** Carries on until both directions have ended; `close` ends it at once. */
export function forwardConnection(client: Socket, target: Target): { close(): void } {
  const server = connect({ host: target.address, port: target.port, allowHalfOpen: true });
  const destroyBoth = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on("error", destroyBoth);
  }
  client.pipe(server);
  server.pipe(client);
  return { close: destroyBoth };
}
