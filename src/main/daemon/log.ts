// The daemon's log on stderr, in dockerd's forms: time="…" level=info msg="…", or a JSON object a line.

import { inspect } from "node:util";

export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal" | "panic";

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, error?: unknown): void;
  /** Shows what is for debugging, whatever the level is; false goes back to the level. */
  setDebug(on: boolean): void;
}

export interface LogOptions {
  readonly write: (line: string) => void;
  readonly now: () => Date;
  /** dockerd's --log-level, in any case. */
  readonly level: string;
  readonly format: "text" | "json";
}

const levels: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal", "panic"];

const rankOf = (name: string): number =>
  levels.findIndex((level) => level === (name.toLowerCase() === "warn" ? "warning" : name.toLowerCase()));

export function openLog({ write, now, level: lowest, format }: LogOptions): Log {
  const floor = rankOf(lowest);
  let debugging = false;
  const put = (level: LogLevel, message: string): void => {
    if (rankOf(level) < (debugging ? Math.min(floor, rankOf("debug")) : floor)) return;
    const time = now().toISOString();
    write(
      format === "json"
        ? `${JSON.stringify({ level, msg: message, time })}\n`
        : `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`,
    );
  };
  return {
    debug: (message) => put("debug", message),
    info: (message) => put("info", message),
    warn: (message) => put("warning", message),
    error: (message, error) => put("error", error === undefined ? message : `${message}: ${inspect(error)}`),
    setDebug: (on) => {
      debugging = on;
    },
  };
}
