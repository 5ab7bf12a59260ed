// The interactive client in a real terminal, against a daemon that only plays one.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { spawn } from "node-pty";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const ID = "c0ffee".padEnd(64, "0");
const GANTRY = join(import.meta.dirname, "../../src/main/gantry.ts");
const TIMEOUT = { timeout: 30_000 };

/** A container that tells each byte it gets in hexadecimal, so that raw mode can be seen. */
function tellBytes(socket: Duplex): void {
  socket.write("ready\r\n");
  socket.on("data", (chunk: Buffer) => socket.write(`<${chunk.toString("hex")}>`));
}

const answer: Answer = ({ line }) => {
  if (line.startsWith("POST /containers/create")) return { status: 201, json: { Id: ID, Warnings: [] } };
  if (line.includes("/attach")) return { hijack: tellBytes };
  if (line.includes("/wait")) return { lines: [] };
  return { status: 204 };
};

test(
  "typed bytes arrive raw, the window's size follows, the detach keys restore the terminal",
  TIMEOUT,
  async () => {
    const resizes: string[] = [];
    await using daemon = await startFakeDaemon((asked) => {
      if (asked.line.includes("/resize")) resizes.push(asked.line.replace(/.*\?/, ""));
      if (asked.line.includes("/wait")) return { lines: [] };
      return answer(asked);
    });
    const command = `"$0" -- "$1" -H "$2" run -it busybox; echo "code=$?"; stty -a`;
    const words = ["-c", command, process.execPath, GANTRY, daemon.host];
    const terminal = spawn("/bin/sh", words, { cols: 80, rows: 24 });
    let seen = "";
    let changed = Promise.withResolvers<void>();
    terminal.onData((text) => {
      seen += text;
      changed.resolve();
      changed = Promise.withResolvers();
    });
    const shows = async (wanted: RegExp): Promise<void> => {
      while (!wanted.test(seen)) await changed.promise;
    };
    const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    await shows(/ready/);
    terminal.write("a\x03\r");
    await shows(/<61030d>|<61><030d>|<61><03><0d>|<6103><0d>/);
    terminal.resize(100, 30);
    terminal.write("b");
    await shows(/<62>/);
    terminal.write("\x10\x11");
    await ended;
    assert.match(seen, /code=0/);
    assert.match(seen, / icanon/);
    assert.match(seen, / echo /);
  },
);
