// Tells clients that are gone from those that have only said all they had to say. Reading tells the end of what they send in both cases,
// and Docker's clients end their side of a connection at once if they have no input.
// An empty write does tell on a unix socket: it sends nothing, and fails with EPIPE once the peer has closed. On TCP probes of the kernel do.

import type { Socket } from "node:net";

/** Between two looks at a client that has ended its side, in milliseconds. */
const LOOK_EVERY = 10_000;
const PROBE_AFTER = 60_000;
const nothing = Buffer.alloc(0);

/** Closes the socket of a client that is gone, until disposed. */
export function watchHangUp(socket: Socket): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (socket.writable && socket.writableLength === 0) socket.write(nothing);
  };
  const ended = (): void => {
    look();
    timer = setInterval(look, LOOK_EVERY).unref();
  };
  socket.setKeepAlive(true, PROBE_AFTER);
  if (socket.readableEnded) ended();
  else socket.once("end", ended);
  return {
    [Symbol.dispose]: () => {
      socket.off("end", ended);
      clearInterval(timer);
    },
  };
}
