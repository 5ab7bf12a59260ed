// A D-Bus daemon for tests: answers calls as a script says.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DbusMessage, decodeMessage, encodeMessage } from "#formats/dbus/message.ts";
import { Bus } from "./bus.ts";

const signal = new AbortController().signal;

type Answer = Pick<DbusMessage, "type"> & Partial<DbusMessage>;
/** What is sent for a call; nothing: the connection is closed. */
type Script = (call: DbusMessage) => readonly Answer[];

interface FakeBus extends AsyncDisposable {
  readonly bus: Bus;
  readonly calls: readonly string[];
}

export async function openFakeBus(script: Script, greeting = "OK 0123\r\n"): Promise<FakeBus> {
  const folder = mkdtempSync(join(tmpdir(), "gantry-bus-"));
  const calls: string[] = [];
  const server = createServer((socket) =>
    serve(socket, greeting, (call) => {
      calls.push(call.member ?? "");
      return call.member === "Hello" ? [reply("s", ":1.1")] : script(call);
    }),
  );
  await new Promise<void>((resolve) => server.listen(join(folder, "bus"), resolve));
  const close = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  };
  try {
    const bus = await Bus.open({ path: join(folder, "bus"), isDaemon: true }, 0, signal);
    const dispose = async (): Promise<void> => {
      bus[Symbol.dispose]();
      await close();
    };
    return { bus, calls, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await close();
    throw error;
  }
}

function serve(socket: Socket, greeting: string, script: Script): void {
  let received: Uint8Array = new Uint8Array();
  let greeted = false;
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (!greeted) {
      const end = Buffer.from(received).indexOf("BEGIN\r\n");
      if (end < 0) return void socket.write(greeting);
      greeted = true;
      received = received.subarray(end + "BEGIN\r\n".length);
    }
    for (let found = decodeMessage(received); found !== undefined; found = decodeMessage(received)) {
      received = received.subarray(found.size);
      const answers = script(found.message);
      if (answers.length === 0) return void socket.destroy();
      for (const answer of answers)
        socket.write(encodeMessage({ serial: 1, replySerial: found.message.serial, body: [], ...answer }));
    }
  });
}

export const reply = (signature: string, ...body: DbusMessage["body"]): Answer => ({
  type: "reply",
  signature,
  body,
});
export const failure = (name: string, text: string): Answer => ({
  type: "error",
  errorName: `org.freedesktop.systemd1.${name}`,
  signature: "s",
  body: [text],
});
export const removed = (job: string, result: string): Answer => ({
  type: "signal",
  member: "JobRemoved",
  signature: "uoss",
  body: [7, job, "x.scope", result],
});
export const job = "/org/freedesktop/systemd1/job/7";
