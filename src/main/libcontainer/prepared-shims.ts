// Shims that wait for a container: a process, its directory, FIFOs and cgroup are there before anybody asks, so that a start costs what
// the container is and not what surrounds it. The next one is made when the container has had time to start.

import { mkdirSync } from "node:fs";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { openConnection } from "#kernel/zygote/connect.ts";
import { encodeFrame } from "#kernel/zygote/wire-frames.ts";
import { type ProcessStatus, shimBody } from "#shim/native/bodies.ts";
import { ShimControl } from "#shim/native/control.ts";
import type { Place, Places } from "./places.ts";

export interface PreparedShim {
  readonly place: Place;
  readonly control: ShimControl;
  /** Exits that come before there is a listener wait for it. */
  listen(onExit: (exit: ProcessStatus) => void): void;
}

/** Lets it do what its will says; resolves behind that. Idempotent. */
export async function release({ control }: Pick<PreparedShim, "control">): Promise<void> {
  control.end();
  await control.closed;
}

/** How many wait: a program that starts containers one after the other finds one each time. */
const DEPTH = 3;
/** From a container's start until the next one is made: short programs have ended by then, and longer ones have begun. */
const AFTER_MS = 5;

export class PreparedShims {
  readonly #places: Places;
  #count = 0;
  #closed = false;
  readonly #waiting: Promise<PreparedShim>[] = [];
  /** One is made at a time: a machine with few processors has other things to do. */
  #last: Promise<unknown> = Promise.resolve();
  #later: NodeJS.Timeout | undefined;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Resolves when the first one is ready. */
  async warm(): Promise<void> {
    this.#refill();
    await this.#waiting[0];
  }

  async take(): Promise<PreparedShim> {
    return await (this.#waiting.shift() ?? this.#prepare());
  }

  /** Makes others for those that were taken, soon: whoever has just started a container needs the processors. */
  replace(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#refill();
    }, AFTER_MS).unref();
  }

  /** Ends those that were not wanted. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#later);
    await Promise.all(
      this.#waiting.map(async (waiting) => {
        const shim = await waiting.catch(() => undefined);
        if (shim !== undefined) await release(shim);
      }),
    );
  }

  #refill(): void {
    while (!this.#closed && this.#waiting.length < DEPTH) {
      const next = this.#last.then(() => this.#prepare());
      this.#last = next.catch(() => {}); // told to who takes it
      this.#waiting.push(next);
    }
  }

  #prepare(): Promise<PreparedShim> {
    const place = this.#places.at(String(this.#count++));
    const first = this.#places.planPrepared(place);
    return openShim(this.#places, place, { first, last: this.#places.planWill(place, place.cgroup) });
  }
}

/** A shim that ends with this connection, and does what its will says. */
export async function openShim(
  places: Places,
  place: Place,
  { first, last }: { readonly first: Plan; readonly last: Plan },
): Promise<PreparedShim> {
  mkdirSync(place.stateDir, { mode: 0o711 });
  const socket = await openConnection(places.zygoteSocket, new AbortController().signal);
  const early: ProcessStatus[] = [];
  let tell = (exit: ProcessStatus): void => void early.push(exit);
  const control = new ShimControl(socket, (exit) => tell(exit));
  socket.write(encodeFrame("shim", shimBody(place.id, place.stateDir)));
  const registered = control.request("will", { plan: encodePlan(last) });
  const done = control.request(
    "plan",
    { plan: encodePlan(first) },
    (index) => first[index]?.why ?? "prepare",
  );
  await Promise.all([registered, done]);
  return {
    place,
    control,
    listen: (onExit) => {
      tell = onExit;
      for (const exit of early.splice(0)) onExit(exit);
    },
  };
}
