// Standard streams as a client names them -> as the shim takes them.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { JsonFileLog, ProcessIo } from "#shim/shim.ts";
import { invalidArgument, notImplemented } from "../failures.ts";
import type { TaskIo } from "./tasks.ts";

const scheme = "gantry-attach:";
const fileScheme = "file://";

export function parseTaskIo(io: TaskIo): ProcessIo {
  if (io.stdout.startsWith(scheme)) return parseAttach(io);
  const [stdin, stdout, stderr] = [io.stdin, io.stdout, io.stderr].map(fifoPath);
  if (stdin === "" && stdout === "" && stderr === "" && !io.terminal) return { kind: "null" };
  return {
    kind: "fifos",
    terminal: io.terminal,
    stdin: stdin ?? "",
    stdout: stdout ?? "",
    stderr: stderr ?? "",
  };
}

/** The `stdout` of a process whose shim keeps the log and serves attach. */
export function formatAttachUri(log: JsonFileLog | undefined): string {
  if (log === undefined) return scheme;
  const query = new URLSearchParams({
    log: log.path,
    "max-size": String(log.maxSize),
    "max-files": String(log.maxFiles),
    attrs: log.attrs,
  });
  return `${scheme}?${query}`;
}

/** The `stdin` that goes with it. */
export const formatAttachStdin = (stdin: "none" | "open" | "once"): string =>
  stdin === "none" ? "" : stdin === "once" ? `${scheme}?once=1` : scheme;

/** Files that output is appended to, as file:///PATH names them: made before the shim opens them. */
export function makeLogFiles({ stdout, stderr }: TaskIo): void {
  for (const uri of new Set([stdout, stderr])) {
    if (!uri.startsWith(fileScheme)) continue;
    const path = filePath(uri);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    closeSync(openSync(path, "a", 0o600));
  }
}

function filePath(uri: string): string {
  const path = decodeURIComponent(uri.slice(fileScheme.length).replace(/\?.*$/, ""));
  if (!path.startsWith("/")) throw invalidArgument(`log path of ${uri} must be absolute`);
  return path;
}

function parseAttach(io: TaskIo): ProcessIo {
  if (io.stderr !== "" || !(io.stdin === "" || io.stdin.startsWith(scheme)))
    throw invalidArgument(`streams of ${scheme} cannot be mixed with others`);
  const log = parseLog(queryOf(io.stdout));
  return {
    kind: "attach",
    terminal: io.terminal,
    stdin: io.stdin !== "",
    stdinOnce: queryOf(io.stdin).get("once") === "1",
    ...(log === undefined ? {} : { log }),
  };
}

const queryOf = (uri: string): URLSearchParams =>
  new URLSearchParams(uri.slice(scheme.length).replace(/^\?/, ""));

function parseLog(query: URLSearchParams): JsonFileLog | undefined {
  const path = query.get("log") ?? "";
  if (path === "") return undefined;
  return {
    path,
    maxSize: readCount(query, "max-size", 0),
    maxFiles: readCount(query, "max-files", 1),
    attrs: query.get("attrs") ?? "",
  };
}

function readCount(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw invalidArgument(`${name} of ${scheme} must be a number, not ${text}`);
  return Math.max(fallback, Number(text));
}

/** containerd also takes URIs; those of other log drivers (binary://) would run programs. */
function fifoPath(text: string): string {
  if (text === "" || text.startsWith("/")) return text;
  if (text.startsWith("fifo://")) return text.slice("fifo://".length);
  if (text.startsWith(fileScheme)) return filePath(text);
  throw notImplemented(`standard stream ${JSON.stringify(text)}`);
}
