// What becomes of the logs of running containers besides being written: they are carried to their driver's receiver, and compressed.

import { rmSync } from "node:fs";
import type { Background } from "#base/background.ts";
import { systemError } from "#base/errors.ts";
import { compressRotated } from "../logs/compressor.ts";
import { findLogDriver } from "../logs/drivers/drivers.ts";
import type { ForwardJob } from "../logs/forwarder.ts";
import { LogForwarders } from "../logs/forwarders.ts";
import type { FollowOptions } from "../logs/log-changes.ts";
import { deleteLogFiles } from "../logs/log-files.ts";
import { isCacheDisabled, logAttributes, logInfoOf, logSourceOf, readRotation } from "./log-config.ts";
import { hasStarted } from "./record.ts";
import type { Container } from "./store.ts";

export interface ContainerLogsDeps {
  readonly background: Background;
  /** Told of receivers that do not take what they should. */
  readonly warn: (message: string) => void;
}

/** Between two looks for rotated files to compress. */
const COMPRESS_EVERY = 10_000;

export class ContainerLogs {
  readonly #deps: ContainerLogsDeps;
  readonly #signal: AbortSignal;
  readonly #forwarders: LogForwarders;
  /** Whose rotated files are to be compressed, since they run or have run. */
  readonly #compressed = new Set<Container>();

  /** `signal`: the daemon's. */
  constructor(deps: ContainerLogsDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    this.#forwarders = new LogForwarders(deps, signal);
    this.#compressLater();
  }

  /** Before a start; the result is disposed after it. Rejects with what Docker says of a driver that cannot be had. */
  async open(container: Container, signal: AbortSignal): Promise<Disposable> {
    try {
      logAttributes(container.record);
      this.#watch(container);
      const job = this.#jobOf(container);
      return job === undefined
        ? { [Symbol.dispose]: () => undefined }
        : await this.#forwarders.open(container.id, job, signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      throw systemError(`failed to create task for container: failed to initialize logging driver: ${why}`, {
        cause: error,
      });
    }
  }

  /** At the daemon's start: what was not delivered when the last one ended. */
  resume(container: Container): void {
    if (!hasStarted(container.state)) return;
    this.#watch(container);
    const job = this.#jobOf(container);
    if (job !== undefined) this.#forwarders.resume(container.id, job);
  }

  /** Resolves when the container's files may go. */
  async finish(container: Container): Promise<void> {
    this.#compressed.delete(container);
    await this.#forwarders.finish(container.id);
  }

  #watch(container: Container): void {
    const { record } = container;
    if (record.logPath !== "" && readRotation(record.hostConfig.LogConfig).compress)
      this.#compressed.add(container);
  }

  #jobOf(container: Container): ForwardJob | undefined {
    const { record } = container;
    const { LogConfig: config } = record.hostConfig;
    const driver = findLogDriver(config.Type);
    if (driver === undefined) return undefined;
    const source = logSourceOf(record);
    const positionPath = `${source.path}.position`;
    return {
      source,
      positionPath,
      driver,
      info: () => logInfoOf(container.record),
      follow: followContainer(container),
      warn: (message) => this.#deps.warn(`container ${record.id.slice(0, 12)} (${config.Type}): ${message}`),
      ...(isCacheDisabled(config) && {
        delivered: () => {
          deleteLogFiles(source.path, source.maxFiles);
          rmSync(positionPath, { force: true });
        },
      }),
    };
  }

  #compressLater(): void {
    let isBusy = false;
    const look = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      await this.#compressAll().finally(() => {
        isBusy = false;
      });
    };
    const timer = setInterval(() => this.#deps.background.run(look), COMPRESS_EVERY).unref();
    this.#signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  async #compressAll(): Promise<void> {
    for (const container of this.#compressed) {
      if (this.#signal.aborted) return;
      const hasEnded = !container.running; // asked before: what it rotated by then is compressed
      await compressRotated(logSourceOf(container.record), this.#signal).catch((error: unknown) => {
        if (!this.#signal.aborted) this.#deps.warn(`compressing a log: ${error}`);
      });
      if (hasEnded) this.#compressed.delete(container);
    }
  }
}

/** For readers that follow a container's log. One that waits for its restart goes on writing the same log. */
export const followContainer = (container: Container): FollowOptions => ({
  ended: () => container.removed || !container.running,
  changed: async (stop) => {
    const before = container.state;
    await container.until(() => container.removed || container.state !== before, stop);
    if (container.removed)
      await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  },
});
