// Starting a container with its streams here: `run` and `start --attach`.

import type { Engine } from "#client/engine.ts";
import type { ContainerWaitResponse } from "#spec/engine-api/definitions.table.ts";
import type { Call } from "./grammar/command.ts";
import { detachOption } from "./terminal/detach-flag.ts";
import { followWindowSize } from "./terminal/raw-mode.ts";
import { proxySignals } from "./terminal/signal-proxy.ts";
import { carryStreams } from "./terminal/streams.ts";

export interface StartTarget {
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The daemon removes it when it ends. */
  readonly autoRemove: boolean;
  /** Signals that this program gets are the container's. */
  readonly proxiesSignals: boolean;
  /** What it goes on from. */
  readonly from?: { readonly checkpoint: string; readonly "checkpoint-dir": string };
}

/** Attached from before the start, so that no output is missed. Resolves to how it ended; undefined when the user detached. */
export async function startAttached(
  call: Call,
  engine: Engine,
  target: StartTarget,
): Promise<ContainerWaitResponse | undefined> {
  const { session, signal } = call;
  const { id, tty, stdin, stdout, stderr } = target;
  const detach = detachOption(call);
  const hijacked = await engine.containers.attach(id, { stdin, stdout, stderr, ...detach }, signal);
  using scope = new DisposableStack();
  scope.defer(() => hijacked.socket.destroy());
  const condition = target.autoRemove ? "removed" : "next-exit";
  const { exit } = await engine.containers.wait(id, condition, signal);
  const streams = carryStreams(hijacked, { tty, stdin, ...detach }, session);
  streams.catch(() => undefined); // awaited below, after the start
  await engine.containers.start(id, target.from ?? {}, signal);
  if (tty) scope.use(followWindowSize(session, (size) => engine.containers.resize(id, size, signal), signal));
  else if (target.proxiesSignals)
    scope.use(proxySignals(session, (name) => engine.containers.kill(id, name.slice(3), signal)));
  return (await streams) === "detached" ? undefined : await exit;
}
