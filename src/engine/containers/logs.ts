// GET /containers/{id}/logs.

import { EngineError, invalid } from "#base/errors.ts";
import { formatEntries, type LogFormat } from "../logs/format.ts";
import { type LogRange, readLog } from "../logs/read.ts";
import { readRotation } from "./log-config.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface LogsDeps {
  readonly containers: ContainerStore;
}

export interface LogsRequest extends Omit<LogFormat, "tty"> {
  readonly follow: boolean;
  readonly range: LogRange;
}

/** "all", "" or a number of lines; anything else is all too, as with Docker. */
export const parseTail = (text: string): number | undefined =>
  /^\d+$/.test(text) ? Number(text) : undefined;

/** Seconds since the epoch with an optional fraction; "" and "0" are no limit. */
export function parseLogTime(name: "since" | "until", text: string): bigint | undefined {
  if (text === "" || text === "0") return undefined;
  const match = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null)
    throw invalid(`invalid value for "${name}": strconv.ParseInt: parsing "${text}": invalid syntax`);
  return BigInt(match[1] ?? "0") * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

export interface OpenedLogs {
  readonly tty: boolean;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Throws what can be refused before anything is streamed. */
export function openLogs(
  deps: LogsDeps,
  reference: string,
  request: LogsRequest,
  signal: AbortSignal,
): OpenedLogs {
  if (!request.stdout && !request.stderr)
    throw invalid("Bad parameters: you must choose at least one stream");
  const container = deps.containers.get(reference);
  if (container.record.logPath === "")
    throw new EngineError("unsupported", "configured logging driver does not support reading");
  return { tty: container.record.config.Tty, chunks: streamLogs(container, request, signal) };
}

async function* streamLogs(
  container: Container,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { logPath, hostConfig, config } = container.record;
  const { maxFiles } = readRotation(hostConfig.LogConfig.Config ?? {});
  const follow = {
    // A container that waits for its restart goes on writing the same log.
    ended: () => container.removed || !container.running,
    changed: async (stop: AbortSignal) => {
      const before = container.state;
      await container.until(() => container.removed || container.state !== before, stop);
      if (container.removed)
        await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
    },
  };
  const source = { path: logPath, maxFiles };
  for await (const entries of readLog(source, request.range, request.follow ? follow : undefined, signal)) {
    const chunk = formatEntries(entries, { ...request, tty: config.Tty });
    if (chunk !== undefined) yield chunk;
  }
}

/** What an attaching client with logs=1 is told first. */
export function containerHistory(
  container: Container,
  streams: { readonly stdout: boolean; readonly stderr: boolean },
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (container.record.logPath === "") return (async function* () {})();
  const { stdout, stderr } = streams;
  return streamLogs(
    container,
    { stdout, stderr, timestamps: false, details: false, follow: false, range: {} },
    signal,
  );
}
