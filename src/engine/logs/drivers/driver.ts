// What a log driver is. All of them read what the shim has written to the container's own log; a driver only carries it on.

/** A container's settings as its drivers see them when it starts. */
export interface LogInfo {
  readonly options: Readonly<Record<string, string>>;
  readonly containerId: string;
  /** Without slash. */
  readonly containerName: string;
  readonly command: readonly string[];
  /** sha256:… */
  readonly imageId: string;
  readonly imageName: string;
  /** RFC 3339. */
  readonly created: string;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
}

export interface LogMessage {
  /** Without the newline. */
  readonly text: string;
  readonly stream: "stdout" | "stderr";
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  /** Of a line longer than 16 KiB, which comes in parts. */
  readonly partial?: { readonly id: string; readonly ordinal: number; readonly last: boolean };
}

/** A connection to a receiver. Whoever opened it disposes it; after a rejected `send` it is good for nothing else. */
export interface LogSink extends AsyncDisposable {
  /** Resolves when the receiver has them, as far as the protocol tells. */
  send(messages: readonly LogMessage[], signal: AbortSignal): Promise<void>;
}

/** How a driver that could not send goes on. */
export interface RetryPolicy {
  /** Milliseconds before the first attempt; each further wait is half as long again, up to a minute. */
  readonly wait: number;
  /** Attempts before the messages are given up. */
  readonly attempts: number;
}

export interface LogDriver {
  /** Besides those that all drivers have: labels, env, tag, … */
  readonly options: readonly string[];
  unknownOption(option: string): string;
  /** At creation. Throws `invalid`. */
  validate(options: LogInfo["options"]): void;
  /** The container starts even if nobody listens yet. */
  startsUnconnected(options: LogInfo["options"]): boolean;
  retry(options: LogInfo["options"]): RetryPolicy;
  /** Messages that may wait in memory at most before further ones are dropped; undefined: they wait on disk. */
  queueLimit(options: LogInfo["options"]): number | undefined;
  /** Connects. Rejects in Docker's words. */
  open(info: LogInfo, signal: AbortSignal): Promise<LogSink>;
}

/** For those that have nothing to say about it. */
export const usualDelivery: Pick<LogDriver, "startsUnconnected" | "retry" | "queueLimit"> = {
  startsUnconnected: () => false,
  retry: () => ({ wait: 1000, attempts: Number.POSITIVE_INFINITY }),
  queueLimit: () => undefined,
};
