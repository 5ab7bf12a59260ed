// Connections to a shim's socket. A socket's address holds 107 bytes (man 7 unix); a longer path is reached through its directory's fd.

import { once } from "node:events";
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

async function open(path: string, allowHalfOpen: boolean, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen });
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
