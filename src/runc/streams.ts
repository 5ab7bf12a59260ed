// The command's standard streams and the container's.

import { fstatSync } from "node:fs";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isatty } from "node:tty";
import { invalid, unsupported } from "#base/errors.ts";
import { decodeFrames } from "#formats/log-frames.ts";
import type { Streams, Supervisor } from "./runtime.ts";

/** For a process that the command does not wait for: it gets what the command has, which must outlive the command. */
export function detachedStreams(terminal: boolean): Streams {
  if (terminal) throw invalid("cannot allocate tty if runc will detach without setting console socket");
  return {
    kind: "fifos",
    terminal,
    stdin: pathOf(0, "input"),
    stdout: pathOf(1, "output"),
    stderr: pathOf(2, "error"),
  };
}

function pathOf(fd: number, name: string): string {
  const found = fstatSync(fd);
  if (found.isFIFO() || isatty(fd)) return `/proc/${process.pid}/fd/${fd}`;
  if (found.isCharacterDevice()) return ""; // /dev/null
  throw unsupported(`standard ${name} that is neither pipe, terminal nor /dev/null, detached`);
}

export const attachedStreams = (terminal: boolean): Streams => ({
  kind: "attach",
  terminal,
  stdin: true,
  stdinOnce: true,
});

export interface AttachedProcess {
  readonly supervisor: Supervisor;
  readonly execId: string;
  readonly terminal: boolean;
}

/** Resolves once the command's streams are joined to the process; `written`, when all output has been written. */
export async function joinStreams({ supervisor, execId, terminal }: AttachedProcess, signal: AbortSignal) {
  const stream = await supervisor.attach(execId, { stdin: true, stdout: true, stderr: true }, signal);
  const input = pipeline(process.stdin, stream).catch(() => {}); // the process ended first
  void input;
  const written = terminal ? writeRaw(stream) : writeFrames(stream);
  written.catch(() => {}); // awaited by the caller after the process has ended
  return { written };
}

async function writeRaw(stream: Duplex): Promise<void> {
  for await (const chunk of stream) await write(process.stdout, chunk);
}

async function writeFrames(stream: Duplex): Promise<void> {
  for await (const { stream: number, payload } of decodeFrames(stream))
    await write(number === 2 ? process.stderr : process.stdout, payload);
}

const write = (to: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve) => to.write(chunk, () => resolve()));

/** A terminal's keys go to the process as they are, and its size is kept. */
export function openTerminal({ supervisor, execId, terminal }: AttachedProcess): Disposable {
  const { stdin, stdout } = process;
  if (!terminal || !stdin.isTTY) return { [Symbol.dispose]: () => {} };
  const resize = (): void => {
    supervisor.resizePty(execId, { rows: stdout.rows, cols: stdout.columns }).catch(() => {}); // it ended
  };
  stdin.setRawMode(true);
  stdout.on("resize", resize);
  resize();
  return {
    [Symbol.dispose]: () => {
      stdout.off("resize", resize);
      stdin.setRawMode(false);
    },
  };
}
