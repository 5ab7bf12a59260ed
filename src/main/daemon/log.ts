// The daemon's log on stderr, in dockerd's form: time="…" level=info msg="…".

import { inspect } from "node:util";

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, error?: unknown): void;
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/** `lowest`: dockerd's --log-level. */
export function openLog(write: (line: string) => void, lowest: string, now: () => Date): Log {
  const floor = lowest === "trace" ? 0 : lowest === "warn" ? 2 : lowest in rank ? rankOf(lowest) : 3;
  const put = (level: LogLevel, message: string): void => {
    if (rank[level] < floor) return;
    write(`time="${now().toISOString()}" level=${level} msg=${JSON.stringify(message)}\n`);
  };
  return {
    debug: (message) => put("debug", message),
    info: (message) => put("info", message),
    warn: (message) => put("warning", message),
    error: (message, error) => put("error", error === undefined ? message : `${message}: ${inspect(error)}`),
  };
}

const rankOf = (level: string): number => Object.entries(rank).find(([name]) => name === level)?.[1] ?? 1;
