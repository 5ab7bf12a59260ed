// A process's standard streams as Node's, over FIFOs that the shim opens by path.

import { closeSync, constants, openSync, unlink } from "node:fs";
import { Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import type { ProcessIo } from "#shim/shim.ts";
import { fifoPath, type Place, streamNames } from "./places.ts";

/** "pipe": streams of this program; "ignore": /dev/null, and streams without content. */
export type Stdio = "pipe" | "ignore";

export interface ProcessStreams {
  /** End it to close the process's input. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Empty with a terminal, whose output is all in stdout. */
  readonly stderr: Readable;
}

export interface OpenedStreams extends ProcessStreams {
  readonly io: ProcessIo;
  /** The shim has its ends: whoever closes the other ones is heard. */
  joined(): void;
  close(): void;
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

function empty(): Readable {
  return Readable.from([]);
}

export function openStreams(place: Place, process: string, stdio: Stdio, terminal: boolean): OpenedStreams {
  if (stdio === "ignore" && !terminal)
    return {
      stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
      stdout: empty(),
      stderr: empty(),
      io: { kind: "null" },
      joined: () => {},
      close: () => {},
    };
  const path = (stream: "stdin" | "stdout" | "stderr"): string => fifoPath(place, process, stream);
  // A FIFO cannot be opened for writing without a reader: until the shim reads it, this end is both.
  const held = openSync(path("stdin"), O_RDWR | O_NONBLOCK);
  const input = new Socket({ fd: openSync(path("stdin"), O_WRONLY | O_NONBLOCK), readable: false });
  const outputs = (terminal ? (["stdout"] as const) : (["stdout", "stderr"] as const)).map(
    (stream) => new Socket({ fd: openSync(path(stream), O_RDONLY | O_NONBLOCK), writable: false }),
  );
  const [stdout = empty(), stderr = empty()] = outputs;
  for (const stream of [input, ...outputs]) stream.on("error", () => {}); // the process has ended
  let isHeld = true;
  const joined = (): void => {
    if (!isHeld) return;
    isHeld = false;
    closeSync(held);
    for (const stream of streamNames) unlink(path(stream), () => {}); // both sides have them
  };
  return {
    stdin: input,
    stdout,
    stderr,
    io: {
      kind: "fifos",
      terminal,
      stdin: path("stdin"),
      stdout: path("stdout"),
      stderr: terminal ? "" : path("stderr"),
    },
    joined,
    close: () => {
      joined();
      for (const stream of [input, ...outputs]) stream.destroy();
    },
  };
}
