// Probes the health of running containers that have a check.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Background } from "#base/background.ts";
import { type Clock, formatTime, parseTime } from "#base/clock.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { decodeFrames } from "#formats/log-frames.ts";
import { formatGoDuration } from "#formats/units.ts";
import type { Process } from "#spec/oci-runtime.ts";
import { describeCommand } from "../exec/execs.ts";
import { buildExecProcess } from "../exec/process.ts";
import { publishContainerEvent } from "./container-events.ts";
import { applyResult, type HealthPlan, nextProbe, planHealth, startingHealth } from "./health-plan.ts";
import type { HostFacts } from "./host-facts.ts";
import { linkEnvironment } from "./links.ts";
import { patience } from "./patience.ts";
import { type ContainerRecord, type HealthState, hasProcess } from "./record.ts";
import { ignoreMissing } from "./release.ts";
import { scope } from "./scope.ts";
import { SIGKILL } from "./signals.ts";
import { describeExecFailure } from "./start-error.ts";
import type { Container, ContainerStore } from "./store.ts";
import { attachIo } from "./task-io.ts";
import { resolveUser } from "./user.ts";
import type { UserFileReader } from "./user-files.ts";

export interface HealthDeps {
  readonly containers: Pick<ContainerStore, "find" | "saveState">;
  readonly tasks: Pick<Tasks, "exec" | "start" | "attach" | "wait" | "kill" | "delete">;
  readonly userFiles: Pick<UserFileReader, "readLive">;
  readonly events: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly host: HostFacts;
  readonly background: Background;
  /** Told of each check. */
  readonly onProbe?: (succeeded: boolean) => void;
  readonly onUnhealthy: (container: Container) => Promise<void>;
}

type Result = HealthState["log"][number];

/** Bytes of a probe's output that are kept. */
const MAX_OUTPUT = 4096;

export class HealthMonitor {
  readonly #deps: HealthDeps;
  readonly #signal: AbortSignal;
  /** By the plan, of which each run of a container has its own. */
  readonly #processes = new WeakMap<
    HealthPlan,
    { readonly record: ContainerRecord; readonly process: Process }
  >();

  /** `signal` is the daemon's. */
  constructor(deps: HealthDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Until the container's process ends. */
  watch(container: Container): void {
    const plan = planHealth(container.record.config);
    if (plan === undefined) return;
    const { exits } = container;
    const ended = (): boolean => container.removed || container.exits > exits || !hasProcess(container.state);
    if (container.state.health === null)
      this.#deps.containers.saveState(container, { health: startingHealth });
    this.#deps.background.run(async () => {
      while (!ended() && !this.#signal.aborted) {
        await this.#pause(container, plan, ended);
        if (ended() || this.#signal.aborted || container.state.status === "paused") continue;
        this.#record(container, plan, await this.#probe(container, plan), ended);
      }
    });
  }

  async #pause(container: Container, plan: HealthPlan, ended: () => boolean): Promise<void> {
    const { health } = container.state;
    const due = patience(nextProbe(health ?? startingHealth, plan, this.#age(container)));
    await container.until(ended, AbortSignal.any([due, this.#signal])).catch((error: unknown) => {
      if (!due.aborted && !this.#signal.aborted) throw error;
    });
  }

  #age({ state }: Container): number {
    const now = this.#deps.clock.now();
    return Number((now - (parseTime(state.startedAt) ?? now)) / 1_000_000n);
  }

  #record(container: Container, plan: HealthPlan, result: Result, ended: () => boolean): void {
    const before = container.state.health;
    this.#deps.onProbe?.(result.exitCode === 0);
    if (ended() || before === null) return;
    const health = applyResult(before, result, plan, this.#age(container));
    this.#deps.containers.saveState(container, { health });
    if (health.status === before.status) return;
    publishContainerEvent(this.#deps.events, container, `health_status: ${health.status}`);
    if (health.status === "unhealthy") this.#deps.background.run(() => this.#deps.onUnhealthy(container));
  }

  async #probe(container: Container, plan: HealthPlan): Promise<Result> {
    const start = formatTime(this.#deps.clock.now());
    const { exitCode, output } = await this.#run(container, plan).catch((error: unknown) => ({
      exitCode: -1,
      output: describeExecFailure(error, plan.command[0]).message,
    }));
    return { start, end: formatTime(this.#deps.clock.now()), exitCode, output };
  }

  async #run(container: Container, plan: HealthPlan): Promise<Pick<Result, "exitCode" | "output">> {
    const { tasks } = this.#deps;
    const ids = { containerId: container.id, execId: randomBytes(32).toString("hex") };
    const process = await this.#findProcess(container, plan);
    const tell = (action: string, attributes = {}): void =>
      publishContainerEvent(this.#deps.events, container, action, { execID: ids.execId, ...attributes });
    tell(`exec_create: ${describeCommand(plan.command)}`);
    await tasks.exec(scope, { ...ids, process, io: attachIo(false, false) }, this.#signal);
    tell(`exec_start: ${describeCommand(plan.command)}`);
    try {
      await tasks.start(scope, ids.containerId, ids.execId, this.#signal);
      const result = await this.#watchProcess(ids, plan);
      if (result.exitCode >= 0) tell("exec_die", { exitCode: String(result.exitCode) });
      return result;
    } finally {
      await tasks.delete(scope, ids.containerId, ids.execId).catch(ignoreMissing);
    }
  }

  /** Until it ends, or is ended because it takes too long. */
  async #watchProcess(
    ids: { readonly containerId: string; readonly execId: string },
    { timeout }: HealthPlan,
  ): Promise<Pick<Result, "exitCode" | "output">> {
    const { tasks } = this.#deps;
    const streams = { stdin: false, stdout: true, stderr: true };
    const output = collect(await tasks.attach(scope, ids, streams, this.#signal));
    const lost = patience(timeout);
    const ended = (signal: AbortSignal) => tasks.wait(scope, ids.containerId, ids.execId, signal);
    try {
      const { exitCode } = await ended(AbortSignal.any([this.#signal, lost]));
      return { exitCode, output: await output };
    } catch (error) {
      if (!lost.aborted) throw error;
      await tasks.kill(scope, ids, SIGKILL, false).catch(ignoreMissing);
      await ended(this.#signal);
      return {
        exitCode: -1,
        output: `Health check exceeded timeout (${formatGoDuration(timeout * 1e6)}): ${await output}`,
      };
    }
  }

  /** The same object as long as nothing has changed: what is below knows it again. */
  async #findProcess(container: Container, plan: HealthPlan): Promise<Process> {
    const { record } = container;
    const known = this.#processes.get(plan);
    const mayChange = (record.links ?? []).length > 0; // the variables of containers that it is linked to
    if (known?.record === record && !mayChange) return known.process;
    const process = await this.#buildProcess(container, plan);
    this.#processes.set(plan, { record, process });
    return process;
  }

  async #buildProcess(container: Container, plan: HealthPlan): Promise<Process> {
    const { record, state } = container;
    container.user ??= resolveUser(
      record.config.User,
      record.hostConfig.GroupAdd ?? [],
      await this.#deps.userFiles.readLive(state.pid, this.#signal),
    );
    const links = linkEnvironment(this.#deps.containers, record);
    const config = { command: plan.command, env: [], workingDir: "", privileged: false, tty: false };
    return buildExecProcess(
      record,
      { config, links, consoleSize: undefined },
      container.user,
      this.#deps.host,
    );
  }
}

/** The first bytes of both streams; the rest is read and dropped, so that the probe never waits for us. */
async function collect(stream: Duplex): Promise<string> {
  const kept: Uint8Array[] = [];
  let room = MAX_OUTPUT;
  try {
    for await (const { payload } of decodeFrames(stream)) {
      if (room > 0) kept.push(payload.subarray(0, room));
      room -= payload.length;
    }
  } catch {
    // a stream that breaks off has told what it could
  }
  return `${Buffer.concat(kept).toString()}${room < 0 ? "..." : ""}`;
}
