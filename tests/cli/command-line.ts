// Runs the command line in this process, its streams and clock replaced.

import { PassThrough, Readable, Writable } from "node:stream";
import { runProgram } from "#cli/program.ts";
import type { Surroundings } from "#cli/session.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Settings {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** The terminal's size; without it there is no terminal. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly now?: number;
  readonly onSignal?: Surroundings["onSignal"];
  readonly startDaemon?: () => Promise<void>;
}

function collector(terminal: Settings["terminal"]): { stream: Writable; text: () => string } {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const stream = new Writable({ write });
  return {
    stream: Object.assign(stream, terminal === undefined ? {} : { isTTY: true, ...terminal }),
    text: () => text,
  };
}

export async function gantry(words: readonly string[], settings: Settings = {}): Promise<Outcome> {
  const out = collector(settings.terminal);
  const err = collector(settings.terminal);
  const stdin =
    settings.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(settings.stdin)]);
  const terminal = settings.terminal === undefined ? {} : { isTTY: true, setRawMode: () => undefined };
  const code = await runProgram(
    words,
    {
      env: { HOME: "/nonexistent", ...settings.env },
      stdin: Object.assign(stdin, terminal),
      stdout: out.stream,
      stderr: err.stream,
      onSignal: settings.onSignal ?? (() => ({ [Symbol.dispose]: () => undefined })),
      startDaemon: settings.startDaemon,
      daemonProgram: "/nonexistent/gantryd",
      openManifestRegistry: () => Promise.reject(new Error("a test without registries")),
      now: () => settings.now ?? Date.now(),
    },
    new AbortController().signal,
  );
  return { code, stdout: out.text(), stderr: err.text() };
}
