// POST /containers/prune: removes what has stopped.

import { type Clock, parseTime } from "#base/clock.ts";
import { conflict, invalid, isKind } from "#base/errors.ts";
import { parseGoDuration } from "#formats/units.ts";
import type { Filters } from "../filters.ts";
import type { KillDeps } from "./kill.ts";
import type { ListDeps } from "./list.ts";
import { measureContainer } from "./measure.ts";
import { type RemoveDeps, removeContainer } from "./remove.ts";
import type { Container } from "./store.ts";

export interface PruneDeps extends RemoveDeps, KillDeps, Pick<ListDeps, "clock"> {
  readonly containers: RemoveDeps["containers"];
  readonly tasks: RemoveDeps["tasks"] & KillDeps["tasks"];
  readonly snapshots: RemoveDeps["snapshots"] & ListDeps["snapshots"];
  readonly clock: Clock;
}

export interface Pruned {
  readonly deleted: readonly string[];
  readonly reclaimed: number;
}

/** One at a time. */
export class ContainerPruner {
  readonly #deps: PruneDeps;
  #running = false;

  constructor(deps: PruneDeps) {
    this.#deps = deps;
  }

  async prune(filters: Filters, signal: AbortSignal): Promise<Pruned> {
    filters.validate(["label", "label!", "until"]);
    if (this.#running) throw conflict("a prune operation is already running");
    this.#running = true;
    try {
      return await this.#prune(filters, signal);
    } finally {
      this.#running = false;
    }
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
    this.#deps.events.publish({
      type: "container",
      action: "prune",
      actorId: "",
      attributes: { reclaimed: String(reclaimed) },
    });
    return { deleted, reclaimed };
  }

  async #remove(container: Container, deleted: string[], signal: AbortSignal): Promise<number> {
    try {
      const { SizeRw: size } = await measureContainer(this.#deps.snapshots, container);
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
  if (filters.has("label!") && filters.matchPairs("label!", config.Labels)) return false;
  return filters.matchPairs("label", config.Labels);
}

/** A time, seconds since the epoch, or an age ("24h"). */
function readUntil(filters: Filters, now: bigint): bigint | undefined {
  const values = filters.values("until");
  if (values.length === 0) return undefined;
  const [text = ""] = values;
  if (values.length > 1) throw invalid("more than one until filter specified");
  if (/^\d+(\.\d+)?$/.test(text)) return BigInt(Math.round(Number(text) * 1e9));
  const age = parseGoDuration(text);
  const time = age === undefined ? parseTime(text) : now - BigInt(age);
  if (time === undefined) throw invalid(`invalid filter 'until=${text}'`);
  return time;
}
