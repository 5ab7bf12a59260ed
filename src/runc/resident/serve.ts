// The resident: serves the commands of one user in one set of namespaces, and ends when none has come for a while.

import { lstatSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type Command, serveConnection } from "./connection.ts";

export interface ResidentOptions {
  readonly socketPath: string;
  /** Milliseconds without a command after which it ends. */
  readonly linger: number;
  readonly serve: (command: Command) => Promise<number>;
  /** Called when commands can come. */
  readonly ready: () => void;
}

/** Resolves when it has ended. A second resident takes the socket's name from the first, which ends when its last command has. */
export async function serveResident({ socketPath, linger, serve, ready }: ResidentOptions): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const clients = new Set<Socket>();
  let idleSince = performance.now();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once("close", () => {
      clients.delete(socket);
      idleSince = performance.now();
      endIfIdle();
    });
    serveConnection(socket, serve).catch(() => socket.destroy()); // its client is gone, or speaks nonsense
  });
  const inode = await listenAt(server, socketPath);
  ready();
  const endIfIdle = (needed = true): void => {
    const superseded = inodeOf(socketPath) !== inode;
    const patience = parentWaits() || !needed ? 0 : linger;
    if (clients.size > 0 || (!superseded && performance.now() - idleSince < patience)) return;
    clearInterval(watch);
    // Whoever connects now finds no name and starts another; who has connected already tries again when this one closes.
    if (!superseded) for (const path of [socketPath, `${socketPath}.lock`]) rmSync(path, { force: true });
    server.close(() => ended.resolve());
    for (const client of clients) client.destroy();
  };
  const watch = setInterval(
    () => endIfIdle(clients.size > 0 || !isAlone()),
    Math.min(1000, Math.max(linger, 20)),
  );
  await ended.promise;
}

/** conmon, which adopts what its commands leave, ends only when all of its children have. */
function parentWaits(): boolean {
  try {
    return readFileSync(`/proc/${process.ppid}/comm`, "utf8") === "conmon\n";
  } catch {
    return false; // it ended meanwhile
  }
}

/** Nobody else is in this mount namespace, so nobody can come: builders make one for each step, and its mounts are to end with it. */
function isAlone(): boolean {
  const own = readlinkSync("/proc/self/ns/mnt");
  return !readdirSync("/proc").some(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid && mountsOf(name) === own,
  );
}

function mountsOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return ""; // it ended meanwhile, or is somebody else's
  }
}

/** Under a name of its own first: nobody finds a socket that does not listen. */
async function listenAt(server: Server, path: string): Promise<bigint | undefined> {
  const name = `${path}.${process.pid}`;
  rmSync(name, { force: true });
  const before = process.umask(0o177);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ path: name, backlog: 1024 }, resolve);
  process.umask(before);
  await promise;
  renameSync(name, path);
  return inodeOf(path);
}

const inodeOf = (path: string): bigint | undefined =>
  lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
