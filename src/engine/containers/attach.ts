// POST /containers/{id}/attach: a client's streams joined with the container's, before its start too.

import type { Duplex } from "node:stream";
import { conflict } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { bridge } from "./bridge.ts";
import { publishContainerEvent } from "./container-events.ts";
import { checkedDetachKeys } from "./detach-keys.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface AttachDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "attach">;
  readonly events: Pick<EventBus, "publish">;
  /** What the container has printed so far, framed as the live stream is. */
  readonly history: (
    container: Container,
    streams: { readonly stdout: boolean; readonly stderr: boolean },
    signal: AbortSignal,
  ) => AsyncIterable<Uint8Array>;
}

export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay what was printed before. */
  readonly logs: boolean;
  /** Stay attached. */
  readonly stream: boolean;
  readonly detachKeys: string;
}

export interface Attachment {
  readonly tty: boolean;
  /** Owns the connection till it resolves. */
  serve(socket: Duplex, signal: AbortSignal): Promise<void>;
}

/** Checks everything that can be refused before the connection is taken over. */
export function attachContainer(deps: AttachDeps, reference: string, request: AttachRequest): Attachment {
  const container = deps.containers.get(reference);
  const detachKeys = checkedDetachKeys("detach", request.detachKeys);
  const { config } = container.record;
  if (container.state.status === "paused")
    throw conflict(`container ${reference} is paused, unpause the container before attach`);
  if (container.state.status === "restarting")
    throw conflict(`container ${reference} is restarting, wait until the container is running`);
  const stdin = request.stdin && config.OpenStdin;
  const connection = request.stream ? openConnection(deps, container, { ...request, stdin }) : undefined;
  publishContainerEvent(deps.events, container, "attach");
  return {
    tty: config.Tty,
    serve: async (socket, signal) => {
      const joined = connection?.(socket); // from now on a client that leaves is noticed
      if (request.logs)
        await replay(deps.history(container, request, signal), socket).catch(async (error: unknown) => {
          socket.destroy();
          (await joined)?.destroy();
          throw error;
        });
      const stream = await joined;
      if (stream === undefined) {
        socket.end();
        return;
      }
      const end = await bridge(socket, stream, { stdin, detachKeys: config.Tty ? detachKeys : undefined });
      if (end === "detached") publishContainerEvent(deps.events, container, "detach");
    },
  };
}

async function replay(history: AsyncIterable<Uint8Array>, socket: Duplex): Promise<void> {
  for await (const chunk of history) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
}

/** The socket takes more, or is gone. */
async function drained(socket: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  socket.once("drain", wake).once("close", wake);
  await promise;
  socket.off("drain", wake).off("close", wake);
}

/** Registers the client at once: a start that follows this call waits for its connection. */
function openConnection(
  deps: AttachDeps,
  container: Container,
  streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean },
): (socket: Duplex) => Promise<Duplex | undefined> {
  const { promise, resolve } = Promise.withResolvers<Duplex | undefined>();
  const gone = new AbortController();
  const process = { containerId: container.id, execId: "" };
  const { stdin, stdout, stderr } = streams;
  const pending = {
    connect: async () => {
      try {
        resolve(await deps.tasks.attach(scope, process, { stdin, stdout, stderr }, gone.signal));
      } catch {
        resolve(undefined); // gone before it could be joined: the client sees the end of the stream
      }
    },
    abandon: () => resolve(undefined),
  };
  if (hasProcess(container.state)) void pending.connect();
  else container.pendingAttaches.add(pending);
  return async (socket) => {
    const leave = (): void => {
      container.pendingAttaches.delete(pending);
      gone.abort();
      resolve(undefined);
    };
    socket.once("close", leave);
    if (socket.destroyed) leave();
    const stream = await promise;
    stream?.on("error", () => undefined); // it may break before it is read: the client then sees its end
    socket.off("close", leave);
    if (!socket.destroyed) return stream;
    stream?.destroy();
    return undefined;
  };
}
