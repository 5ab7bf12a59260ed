// Carries one container's log on to its driver's receiver: follows the file that the shim writes, from where an earlier daemon stopped.

import { Delivery } from "./delivery.ts";
import type { LogDriver, LogInfo, LogSink } from "./drivers/driver.ts";
import { bufferLimit } from "./drivers/drivers.ts";
import type { FollowOptions } from "./log-changes.ts";
import { type MessageBatch, MessageReader } from "./messages.ts";
import { PositionFile } from "./position-file.ts";
import { type LogSource, readLog } from "./read.ts";

export interface ForwardJob {
  readonly source: LogSource;
  readonly positionPath: string;
  readonly driver: LogDriver;
  /** Asked at each connection: the container may have another name by then. */
  readonly info: () => LogInfo;
  readonly follow: FollowOptions;
  readonly warn: (message: string) => void;
  /** Called when the container has ended and all is delivered, before it can start again. */
  readonly delivered?: () => void;
}

/** Resolves when the container has ended and everything is delivered; rejects when the signal aborts. */
export async function forwardLog(
  job: ForwardJob,
  sink: LogSink | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { driver, source, warn } = job;
  const { options } = job.info();
  await using delivery = new Delivery(
    { open: (stop) => driver.open(job.info(), stop), retry: driver.retry(options), warn },
    sink,
  );
  using progress = new PositionFile(job.positionPath);
  const limits = { bytes: bufferLimit(options), messages: driver.queueLimit(options) };
  const queue = new BatchQueue(limits, warn, async (batch) => {
    if (batch.messages.length > 0) await delivery.deliver(batch.messages, signal);
    progress.save(batch.position);
  });
  const skipped = (): void =>
    warn("log lines were rotated away before they were delivered: the receiver is slower than the container");
  const start = progress.position === undefined ? {} : { after: progress.position };
  const reader = new MessageReader();
  for await (const chunk of readLog(source, start, { ...job.follow, skipped }, signal))
    for (const batch of reader.read(chunk)) await queue.add(batch);
  signal.throwIfAborted();
  await queue.drain();
}

interface QueueLimits {
  readonly bytes: number | undefined;
  readonly messages: number | undefined;
}

/** Without limits each batch waits for its delivery; with limits it goes to memory, and what finds no room is dropped. */
class BatchQueue {
  readonly #limits: QueueLimits;
  readonly #warn: (message: string) => void;
  readonly #deliver: (batch: MessageBatch) => Promise<void>;
  #waiting: MessageBatch[] = [];
  #bytes = 0;
  #messages = 0;
  #dropped = 0;
  #running: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(
    limits: QueueLimits,
    warn: (message: string) => void,
    deliver: (batch: MessageBatch) => Promise<void>,
  ) {
    this.#limits = limits;
    this.#warn = warn;
    this.#deliver = deliver;
  }

  async add(batch: MessageBatch): Promise<void> {
    const { bytes, messages } = this.#limits;
    if (bytes === undefined && messages === undefined) return await this.#deliver(batch);
    if (this.#failure !== undefined) throw this.#failure;
    const isFull =
      this.#bytes + batch.bytes > (bytes ?? Number.POSITIVE_INFINITY) ||
      this.#messages + batch.messages.length > (messages ?? Number.POSITIVE_INFINITY);
    if (isFull && this.#waiting.length > 0) {
      if (this.#dropped === 0)
        this.#warn("log messages are dropped: the receiver is slower than the container");
      this.#dropped += batch.messages.length;
      return;
    }
    this.#waiting.push(batch);
    this.#bytes += batch.bytes;
    this.#messages += batch.messages.length;
    if (this.#waiting.length === 1) this.#running = this.#work();
  }

  async drain(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #work(): Promise<void> {
    try {
      for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
        await this.#deliver(batch);
        this.#waiting.shift();
        this.#bytes -= batch.bytes;
        this.#messages -= batch.messages.length;
      }
      if (this.#dropped > 0) this.#warn(`${this.#dropped} log messages were dropped`);
      this.#dropped = 0;
    } catch (error) {
      this.#failure = error;
    }
  }
}
