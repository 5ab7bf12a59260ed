// Our engine and a real dockerd with the same configuration, both with the image busybox.

import { type Client, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startPeer } from "./peer.ts";

export interface Pair extends AsyncDisposable {
  readonly ours: Engine;
  readonly theirs: Client;
}

/** `config`: of both daemons. */
export async function startPair(config: Readonly<Record<string, unknown>> = {}): Promise<Pair> {
  await using undo = new AsyncDisposableStack();
  const [ours, theirs] = await Promise.allSettled([startEngine({ config }), startPeer({ config })]);
  if (ours.status === "fulfilled") undo.use(ours.value);
  if (theirs.status === "fulfilled") undo.use(theirs.value);
  if (ours.status === "rejected") throw ours.reason;
  if (theirs.status === "rejected") throw theirs.reason;
  await Promise.all([importBusybox(ours.value), importBusybox(theirs.value)]);
  const cleanup = undo.move();
  return { ours: ours.value, theirs: theirs.value, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
