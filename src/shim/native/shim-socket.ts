// Connections to a shim's socket. A socket's address holds 107 bytes (man 7 unix); a longer path is reached through its directory's fd.

import { closeSync, constants, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

const NAME = "shim.sock";
const LONGEST = 107;

/** Rejects with the system's error if no shim listens. `allowHalfOpen`: this side may end first and still read. */
export async function connectShim(
  stateDir: string,
  allowHalfOpen: boolean,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const direct = join(stateDir, NAME);
  if (Buffer.byteLength(direct) <= LONGEST) return await open(direct, allowHalfOpen, signal);
  const directory = openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await open(`/proc/self/fd/${directory}/${NAME}`, allowHalfOpen, signal);
  } finally {
    closeSync(directory);
  }
}

function open(path: string, allowHalfOpen: boolean, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ path, allowHalfOpen });
  const settle = (): void => {
    signal.removeEventListener("abort", abort);
    socket.off("error", fail);
  };
  const fail = (error: unknown): void => {
    settle();
    socket.destroy();
    reject(error);
  };
  const abort = (): void => fail(signal.reason);
  socket.once("connect", () => {
    settle();
    resolve(socket);
  });
  socket.on("error", fail);
  signal.addEventListener("abort", abort, { once: true });
  return promise;
}
