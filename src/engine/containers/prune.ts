// POST /containers/prune: removes what has stopped.

import type { Clock } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Filters } from "../filters.ts";
import { PruneTurn, publishPrune, readUntil } from "../pruning.ts";
import type { KillDeps } from "./kill.ts";
import type { ListDeps } from "./list.ts";
import { measureContainer } from "./measure.ts";
import { type RemoveDeps, removeContainer } from "./remove.ts";
import type { Container } from "./store.ts";

export interface PruneDeps extends RemoveDeps, KillDeps, Pick<ListDeps, "clock" | "sizes"> {
  readonly containers: RemoveDeps["containers"];
  readonly tasks: RemoveDeps["tasks"] & KillDeps["tasks"];
  readonly snapshots: RemoveDeps["snapshots"] & ListDeps["snapshots"];
  readonly clock: Clock;
}

export interface Pruned {
  readonly deleted: readonly string[];
  readonly reclaimed: number;
}

export class ContainerPruner {
  readonly #deps: PruneDeps;
  readonly #turn = new PruneTurn();

  constructor(deps: PruneDeps) {
    this.#deps = deps;
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<Pruned> {
    filters.validate(["label", "label!", "until"]);
    return this.#turn.run(() => this.#prune(filters, signal));
  }

  async #prune(filters: Filters, signal: AbortSignal): Promise<Pruned> {
    const until = readUntil(filters, this.#deps.clock.now());
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const container of this.#deps.containers.list()) {
      if (signal.aborted) break;
      if (container.running || container.removing || !matches(container, filters, until)) continue;
      reclaimed += await this.#remove(container, deleted, signal);
    }
    publishPrune(this.#deps.events, "container", reclaimed);
    return { deleted, reclaimed };
  }

  async #remove(container: Container, deleted: string[], signal: AbortSignal): Promise<number> {
    try {
      const { SizeRw: size } = await measureContainer(this.#deps, container);
      await removeContainer(this.#deps, container.id, { force: false, volumes: false }, signal);
      deleted.push(container.id);
      return size;
    } catch (error) {
      // It was removed or started meanwhile.
      if (isKind(error, "notFound") || isKind(error, "conflict")) return 0;
      throw error;
    }
  }
}

function matches(container: Container, filters: Filters, until: bigint | undefined): boolean {
  const { config } = container.record;
  if (until !== undefined && container.createdAt > until) return false;
  return filters.matchLabels(config.Labels);
}
