// Carries one TCP connection to a container, each direction closed on its own.

import { connect, type Socket } from "node:net";
import type { Target } from "./held-port.ts";

/** Carries on until both directions have ended; `close` ends it at once. */
export function forwardConnection(client: Socket, { address, port, from }: Target): { close(): void } {
  const closing = new AbortController();
  const close = (): void => closing.abort();
  const destroyWhenClosed = (socket: Socket): void => {
    if (closing.signal.aborted) socket.destroy();
    else closing.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.setNoDelay(true);
    socket.on("error", close);
  };
  const join = (server: Socket): void => {
    server.allowHalfOpen = true; // one that was made elsewhere is not
    destroyWhenClosed(server);
    client.pipe(server);
    server.pipe(client);
  };
  destroyWhenClosed(client);
  if (from === undefined) join(connect({ host: address, port, allowHalfOpen: true }));
  else from.connect(address, port, closing.signal).then(join, close);
  return { close };
}
