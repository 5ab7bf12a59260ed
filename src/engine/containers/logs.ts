// GET /containers/{id}/logs.

import { conflict, EngineError, invalid } from "#base/errors.ts";
import { type LogFormat, LogFormatter } from "../logs/format.ts";
import { JsonLogFormatter } from "../logs/json-format.ts";
import { readLog } from "../logs/read.ts";
import { type LogRange, timeText } from "../logs/time-range.ts";
import { followContainer } from "./container-logs.ts";
import { isCacheDisabled, logSourceOf } from "./log-config.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface LogsDeps {
  readonly containers: ContainerStore;
}

export interface LogsRequest extends Omit<LogFormat, "tty"> {
  readonly follow: boolean;
  readonly range: LogRange;
  /** Lines from the end; undefined is all. */
  readonly tail: number | undefined;
  /** JSON texts instead of bytes, each framed by this. */
  readonly frame?: (text: string) => string;
}

/** "all", "" or a number of lines; anything else is all too, as with Docker. */
export const parseTail = (text: string): number | undefined =>
  /^\+?\d+$/.test(text) ? Number(text) : undefined;

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
  if (container.removing || container.state.status === "dead")
    throw conflict("can not get logs from container which is dead or marked for removal");
  const { logPath, hostConfig, config } = container.record;
  if (logPath === "" || isCacheDisabled(hostConfig.LogConfig))
    throw new EngineError("unsupported", "configured logging driver does not support reading");
  return { tty: config.Tty, chunks: streamLogs(container, request, signal) };
}

async function* streamLogs(
  container: Container,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { record } = container;
  const { range, tail, frame } = request;
  const formatter =
    frame === undefined
      ? new LogFormatter({ ...request, tty: record.config.Tty }, range)
      : new JsonLogFormatter(request, range, frame);
  const start = {
    ...(range.since !== undefined && { since: timeText(range.since).toString("latin1") }),
    ...(tail !== undefined && { tail }),
  };
  const follow = request.follow ? followContainer(container) : undefined;
  for await (const { bytes } of readLog(logSourceOf(record), start, follow, signal)) {
    const chunk = formatter.format(bytes);
    if (chunk.length > 0) yield chunk;
    if (formatter.ended) return;
  }
}

/** What an attaching client with logs=1 is told first. */
export function containerHistory(
  container: Container,
  streams: { readonly stdout: boolean; readonly stderr: boolean },
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { logPath, hostConfig } = container.record;
  if (logPath === "" || isCacheDisabled(hostConfig.LogConfig)) return (async function* () {})();
  const { stdout, stderr } = streams;
  const request = {
    stdout,
    stderr,
    timestamps: false,
    details: false,
    follow: false,
    range: {},
    tail: undefined,
  };
  return streamLogs(container, request, signal);
}
