// The log in the lines of Go's logrus, which runc's callers read: containerd takes the last error from the JSON form.

import { appendFileSync } from "node:fs";
import { invalid } from "#base/errors.ts";
import { type Caller, callerPath } from "./caller.ts";
import { type Given, lastOf } from "./command-line.ts";

export type Level = "debug" | "info" | "warning" | "error";

export interface Log {
  tell(level: Level, message: string): Promise<void>;
}

/** Without --log, the standard error. */
export function openLog(caller: Caller, given: Given): Log {
  const format = lastOf(given, "log-format") ?? "text";
  if (format !== "text" && format !== "json") throw invalid(`invalid log-format: ${format}`);
  const path = lastOf(given, "log") ?? "";
  const toStandardError = path === "" || path === "/dev/stderr";
  const line = (level: Level, message: string): string => {
    const entry = { level, message, time: new Date() };
    if (format === "json") return jsonLine(entry);
    return toStandardError && caller.hasErrorTerminal ? terminalLine(entry) : textLine(entry);
  };
  const isHidden = (level: Level): boolean => level === "debug" && lastOf(given, "debug") !== "true";
  return {
    tell: async (level, message) => {
      if (isHidden(level)) return;
      if (toStandardError) return await caller.write(2, line(level, message));
      appendFileSync(callerPath(caller, path), line(level, message), { mode: 0o600 });
      if (level === "error") await caller.write(2, `${message}\n`);
    },
  };
}

export interface Entry {
  readonly level: Level;
  readonly message: string;
  readonly time: Date;
}

const secondsOf = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, "Z");

export const textLine = ({ level, message, time }: Entry): string =>
  `time="${secondsOf(time)}" level=${level} msg=${/^[\w./@^+-]*$/.test(message) ? message : quote(message)}\n`;

const escaped: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026" };

export const jsonLine = ({ level, message, time }: Entry): string =>
  `${JSON.stringify({ level, msg: message, time: secondsOf(time) }).replace(/[<>&]/g, (mark) => escaped[mark] ?? mark)}\n`;

const colours: Readonly<Record<Level, number>> = { debug: 37, info: 36, warning: 33, error: 31 };

/** For a person: the level in colour, and the seconds since the program began, which is never long ago. */
const terminalLine = ({ level, message }: Entry): string =>
  `\u001b[${colours[level]}m${level.slice(0, 4).toUpperCase()}\u001b[0m[0000] ${message.replace(/\n$/, "").padEnd(44)} \n`;

const goEscapes: Readonly<Record<string, string>> = { "07": "\\a", "0b": "\\v" };

/** Go's %q. */
const quote = (text: string): string =>
  JSON.stringify(text).replace(
    /\\u00([0-9a-f]{2})/g,
    (_, digits: string) => goEscapes[digits] ?? `\\x${digits}`,
  );
