// The streams of an attached container or exec: what is typed goes in, what comes out is written here.

import type { Duplex, Writable } from "node:stream";
import type { Hijacked } from "#client/exchange.ts";
import { decodeFrames } from "#formats/log-frames.ts";
import type { Session } from "../session.ts";
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from "./detach-keys.ts";
import { enterRawMode } from "./raw-mode.ts";

export interface StreamOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Undefined is the default sequence. */
  readonly detachKeys?: string;
}

export type StreamEnd = "ended" | "detached";

async function writeAll(target: Writable, bytes: Uint8Array): Promise<void> {
  if (target.write(bytes) || target.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      target.off("drain", done).off("close", done);
      resolve();
    };
    target.once("drain", done).once("close", done);
  });
}

/** Writes what comes out to where it belongs, until the other side ends. */
export async function writeOutput(
  chunks: AsyncIterable<Uint8Array>,
  tty: boolean,
  session: Session,
): Promise<void> {
  const { stdout, stderr } = session.surroundings;
  if (tty) {
    for await (const chunk of chunks) await writeAll(stdout, chunk);
    return;
  }
  for await (const { stream, payload } of decodeFrames(chunks)) {
    if (stream === 3) throw new Error(`error from daemon in stream: ${Buffer.from(payload).toString()}`);
    await writeAll(stream === 2 ? stderr : stdout, payload);
  }
}

/** Resolves when the detach keys were typed; never if the input just ends (the container may go on). */
function sendInput(
  session: Session,
  socket: Duplex,
  filter: DetachFilter | undefined,
): { readonly detached: Promise<void>; readonly stop: () => void } {
  const { stdin } = session.surroundings;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onData = (chunk: Uint8Array | string): void => {
    const typed = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    const { bytes, detached } = filter?.feed(typed) ?? { bytes: typed, detached: false };
    if (bytes.length > 0 && !socket.destroyed && !socket.write(bytes)) {
      stdin.pause();
      socket.once("drain", () => stdin.resume());
    }
    if (detached) resolve();
  };
  const onEnd = (): void => {
    socket.end();
  };
  stdin.on("data", onData).once("end", onEnd);
  stdin.resume();
  const stop = (): void => {
    stdin.off("data", onData).off("end", onEnd);
    stdin.pause();
  };
  return { detached: promise, stop };
}

/** Carries both directions until the output ends or the user detaches. Owns the connection and the terminal's mode. */
export async function carryStreams(
  { socket }: Hijacked,
  options: StreamOptions,
  session: Session,
): Promise<StreamEnd> {
  using _connection = { [Symbol.dispose]: () => void socket.destroy() };
  socket.on("error", () => undefined); // a reset after the end is no news; a real one ends the output below
  const keys = parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS);
  const output = writeOutput(socket, options.tty, session).then(() => "ended" as const);
  if (!options.stdin) {
    socket.end();
    return await output;
  }
  using _raw = options.tty ? enterRawMode(session) : { [Symbol.dispose]: () => undefined };
  const input = sendInput(session, socket, options.tty ? new DetachFilter(keys) : undefined);
  try {
    return await Promise.race([output, input.detached.then(() => "detached" as const)]);
  } finally {
    input.stop();
    output.catch(() => undefined);
  }
}
