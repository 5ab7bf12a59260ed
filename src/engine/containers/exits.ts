// What follows when a container's process has ended: the state is saved, what it held is given back, and it is restarted,
// removed, or left for inspection.

import { setTimeout as delay } from "node:timers/promises";
import type { Background } from "#base/background.ts";
import { type Clock, formatTime, parseTime } from "#base/clock.ts";
import type { TaskExit, Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import type { NetworkController } from "#network/controller.ts";
import { publishConnections, publishVolumeUse } from "./connection-events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { hasProcess } from "./record.ts";
import { type ReleaseDeps, releaseNetwork, releaseTask } from "./release.ts";
import { restartDelay, shouldRestart } from "./restart-policy.ts";
import { scope } from "./scope.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface ExitDeps extends ReleaseDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "wait" | "delete">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly background: Background;
  /** Told of failures that nobody waits for. */
  readonly report: (error: unknown) => void;
  readonly networks: Pick<NetworkController, "detach" | "find">;
  /** Asked before the cgroup goes. */
  readonly wasOomKilled: (container: Container) => boolean;
  /** The lock is held. */
  readonly restart: (container: Container, signal: AbortSignal) => Promise<void>;
  /** The lock is held; resolves when id, name and address are free. */
  readonly autoRemove: (container: Container) => Promise<void>;
}

/** Waits for the exits of all running containers. `signal` is the daemon's. */
export class ExitWatcher {
  readonly #deps: ExitDeps;
  readonly #signal: AbortSignal;
  /** Delay before the current run of those that a policy has restarted. */
  readonly #delays = new WeakMap<Container, number>();

  constructor(deps: ExitDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  watch(container: Container): void {
    this.#deps.background.run(async () => {
      const exit = await this.#waitForExit(container);
      if (exit !== undefined) await this.handle(container, exit);
    });
  }

  /** undefined when the daemon ends first: the container lives on. */
  async #waitForExit(container: Container): Promise<TaskExit | undefined> {
    try {
      return await this.#deps.tasks.wait(scope, container.id, "", this.#signal);
    } catch (error) {
      if (this.#signal.aborted) return undefined;
      // The task is lost: nobody will ever tell how it ended.
      this.#deps.report(error);
      return { exitCode: 255, exitedAt: Date.now() };
    }
  }

  async handle(container: Container, exit: TaskExit): Promise<void> {
    using _held = await container.lock.acquire();
    if (container.removed || !hasProcess(container.state)) return;
    const { record, state } = container;
    const finished = {
      exitCode: exit.exitCode,
      manuallyStopped: state.manuallyStopped || (container.stopping && !container.ailing),
      unhealthy: container.ailing,
      restartCount: state.restartCount,
    };
    const restarting = shouldRestart(record.hostConfig.RestartPolicy, finished) && !container.removing;
    const oomKilled = this.#deps.wasOomKilled(container);
    const finishedAt = BigInt(Math.round(exit.exitedAt * 1000)) * 1000n;
    const network = releaseNetwork(this.#deps, container);
    this.#publishDeath(container, exit.exitCode, finishedAt, oomKilled);
    publishConnections(this.#deps, container, "disconnect");
    publishVolumeUse(this.#deps, container, "unmount");
    await network.catch((error: unknown) => this.#deps.report(error));
    if (record.hostConfig.AutoRemove && !restarting && !container.keep) {
      this.#remember(container, exit, oomKilled);
      await this.#deps.autoRemove(container).finally(() => container.announce()); // also if it failed
      return;
    }
    container.exits++;
    const change = {
      status: restarting ? "restarting" : "exited",
      pid: 0,
      exitCode: exit.exitCode,
      oomKilled,
      finishedAt: formatTime(finishedAt),
      network: null,
      ...(restarting && { restartCount: state.restartCount + 1 }),
    } as const;
    this.#deps.containers.recordState(container, change, this.#deps.report); // waiters must not wait for ever
    // Not before: the task's record is what the next daemon learns of the exit from if this one dies here.
    await releaseTask(this.#deps, container);
    if (restarting) this.#scheduleRestart(container, finishedAt);
  }

  /** What waiters are told of a container that is about to be gone: not worth a write. */
  #remember(container: Container, exit: TaskExit, oomKilled: boolean): void {
    container.exits++;
    container.state = { ...container.state, status: "exited", pid: 0, exitCode: exit.exitCode, oomKilled };
  }

  #publishDeath(container: Container, exitCode: number, finishedAt: bigint, oomKilled: boolean): void {
    const { events } = this.#deps;
    if (oomKilled) publishContainerEvent(events, container, "oom");
    const ranFor = finishedAt - (parseTime(container.state.startedAt) ?? finishedAt);
    publishContainerEvent(events, container, "die", {
      exitCode: String(exitCode),
      execDuration: String(ranFor < 0n ? 0n : ranFor / 1_000_000_000n),
    });
  }

  #scheduleRestart(container: Container, finishedAt: bigint): void {
    const ranFor = Number((finishedAt - (parseTime(container.state.startedAt) ?? finishedAt)) / 1_000_000n);
    const isFirst = container.state.restartCount === 1; // since a user has started it
    const wait = restartDelay(isFirst ? 0 : (this.#delays.get(container) ?? 0), ranFor);
    this.#delays.set(container, wait);
    const cancelled = new AbortController();
    container.cancelRestart = () => cancelled.abort();
    const signal = AbortSignal.any([this.#signal, cancelled.signal]);
    this.#deps.background.run(async () => {
      await delay(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      using _held = await container.lock.acquire();
      if (container.removed || container.state.status !== "restarting") return;
      await this.#deps.restart(container, this.#signal);
    });
  }
}
