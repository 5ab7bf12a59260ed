// Attach and exec over raw connections: both forms of the upgrade, framed and not, and WebSocket; the same bytes from a real dockerd.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { type Client, hasBridge } from "../system/engine.ts";
import { type Pair, startPair } from "../system/pair.ts";

const skip = (process.getuid?.() !== 0 || !hasBridge) && "needs root and a bridge";

let pair: Pair;
before(async () => {
  if (!skip) pair = await startPair();
});
after(() => pair?.[Symbol.asyncDispose]());

/** Sends the head, types, and reads to the end. dockerd loses what is typed before its answer has begun; ours does not. */
function talk(client: Client, head: string, typed: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ path: client.socket, allowHalfOpen: true });
  let received = "";
  socket.write(head);
  if (client === pair.ours) socket.write(typed);
  else socket.once("data", () => socket.write(typed));
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("end", () => socket.end());
  socket.on("close", () => resolve(received));
  return promise;
}

/** The status line, the headers that tell of the stream, and the bytes. */
function essence(answer: string): unknown {
  const at = answer.indexOf("\r\n\r\n");
  const [status, ...headers] = answer.slice(0, at).split("\r\n");
  const told = headers.filter((line) =>
    /^(content-type|connection|upgrade|sec-websocket-accept):/i.test(line),
  );
  const bytes = answer.slice(at + 4);
  const stream = /^sec-websocket-accept:/im.test(answer) ? messages(bytes) : bytes;
  return [status, told.map((line) => line.toLowerCase()).sort(), stream];
}

/** What a server's WebSocket frames hold, however a terminal's output falls into pieces; all are short. */
function messages(frames: string): string {
  const length = frames.charCodeAt(1);
  if (frames.length < 2) return "";
  const kind = frames.charCodeAt(0) === 0x88 ? "close" : "";
  return kind + frames.slice(2, 2 + length) + messages(frames.slice(2 + length));
}

/** A client's WebSocket frame with a short text. */
function frame(opcode: number, text: string): Buffer {
  const key = [1, 2, 3, 4];
  const payload = Buffer.from(text).map((byte, index) => byte ^ (key[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, ...key]), payload]);
}

const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const webSocket =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://d\r\n";
const streams = "stream=1&stdin=1&stdout=1&stderr=1";

for (const [what, tty, head, typed] of [
  [
    "attach with an upgrade, framed",
    false,
    `POST /v1.41/containers/NAME/attach?${streams} HTTP/1.1\r\n${upgrade}`,
    Buffer.from("typed\n"),
  ],
  [
    "attach without an upgrade, framed",
    false,
    `POST /v1.41/containers/NAME/attach?${streams} HTTP/1.1\r\n`,
    Buffer.from("typed\n"),
  ],
  [
    "attach with an upgrade, raw",
    true,
    `POST /v1.41/containers/NAME/attach?${streams} HTTP/1.1\r\n${upgrade}`,
    Buffer.from("typed\n"),
  ],
  [
    "attach over WebSocket",
    false,
    `GET /v1.41/containers/NAME/attach/ws?${streams} HTTP/1.1\r\n${webSocket}`,
    frame(2, "typed\n"),
  ],
  [
    "attach over WebSocket to a terminal",
    true,
    `GET /v1.41/containers/NAME/attach/ws?${streams} HTTP/1.1\r\n${webSocket}`,
    frame(2, "typed\n"),
  ],
] as const) {
  test(what, { skip }, async () => {
    const answers = await Promise.all(
      [pair.ours, pair.theirs].map(async (client) => {
        const name = `c${what.replaceAll(/[^a-z]/gi, "")}`;
        await client.docker("run", "-d", tty ? "-it" : "-i", "--name", name, "busybox", "head", "-n", "1");
        const answer = await talk(client, `${head.replace("NAME", name)}Host: d\r\n\r\n`, typed);
        await client.docker("wait", name);
        await client.docker("rm", name);
        return essence(answer);
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
  });
}
