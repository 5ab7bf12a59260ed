// GET /containers/{id}/export: the root file system, without what is mounted in it, as tar.

import { conflict } from "#base/errors.ts";
import type { Trees } from "#containerd/trees/trees.ts";
import type { EventBus } from "#engine/events/events.ts";
import { releasing } from "../../releasing.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { Container, ContainerStore } from "../store.ts";
import { type ViewDeps, withView } from "./container-view.ts";

export interface ExportDeps extends ViewDeps {
  readonly containers: Pick<ContainerStore, "get">;
  readonly events: Pick<EventBus, "publish">;
  readonly trees: Pick<Trees, "packRoot">;
}

/** Resolves when the archive has begun. To be read to its end, or the signal aborted. */
export async function exportContainer(
  deps: ExportDeps,
  reference: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const container = deps.containers.get(reference);
  refuseGone(container, "export");
  const chunks = await withView(
    deps,
    { container, withMounts: false, writing: false },
    async (plan, release) =>
      releasing(await begun(deps.trees.packRoot(plan, signal)), { release, signal, report: deps.report }),
    signal,
  );
  publishContainerEvent(deps.events, container, "export");
  return chunks;
}

/** Throws `conflict` in Docker's words. */
export function refuseGone(container: Container, verb: "commit" | "export"): void {
  const { state, id } = container;
  if (state.status === "dead") throw conflict(`You cannot ${verb} container ${id} which is Dead`);
  if (state.status === "removing" || container.removing)
    throw conflict(`You cannot ${verb} container ${id} which is being removed`);
}

/** The same with its first chunk there already: what fails at once can still be told by a status. */
export async function begun(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const all = chunks[Symbol.asyncIterator]();
  const first = await all.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await all.next()) yield next.value;
    } finally {
      await all.return?.();
    }
  })();
}
