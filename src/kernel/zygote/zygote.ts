// The zygote process: started once by a daemon, ends with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import type { Executor } from "../plan/executor.ts";
import { connectExecutor } from "./connect.ts";
import { PassedSockets, type SocketSource } from "./passed-sockets.ts";

export interface ZygoteOptions {
  /** Path of gantry-exec. */
  readonly binary: string;
  /** Where it listens; the directory exists. */
  readonly socket: string;
}

export interface Zygote extends Executor, AsyncDisposable {
  readonly sockets: SocketSource;
}

/** Starts the zygote and resolves when it listens. It ends when it is disposed or this process does. */
export async function startZygote({ binary, socket }: ZygoteOptions): Promise<Zygote> {
  const child = spawn(binary, ["zygote", socket], {
    cwd: dirname(socket),
    stdio: ["pipe", "pipe", "inherit", "ipc"], // the last one is CHANNEL_FD
    env: {},
    detached: true,
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error(`cannot start ${binary}: it has no streams`);
  const failed = once(child, "error").then(([error]) => {
    throw new Error(`cannot start ${binary}`, { cause: error });
  });
  failed.catch(() => {}); // also after it has been raced
  const ended = once(child, "exit");
  const early = ended.then(([code]) => {
    throw new Error(`gantry-exec ended with ${code} before it listened on ${socket}`);
  });
  early.catch(() => {});
  await Promise.race([once(stdout, "data"), failed, early]);
  stdout.destroy();
  child.unref();
  const executor = connectExecutor(socket);
  return {
    ...executor,
    sockets: new PassedSockets(executor, child),
    [Symbol.asyncDispose]: async () => {
      child.ref();
      stdin.destroy();
      await ended;
    },
  };
}
