// A receiver of log messages, as a program of its own so that it can stand in a daemon's network namespace:
//   node receiver.ts udp|tcp|tls|unix|unixgram ADDRESS [CERTIFICATE KEY] [--ack]
// Prints "ready", then what arrives: "datagram HEX" for each datagram, "data N HEX" for pieces of the Nth stream. --ack answers fluentd's chunks.

import { createSocket } from "node:dgram";
import { readFileSync, readSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { decodeAll } from "./msgpack-decoder.ts";

const [kind = "", address = "", ...rest] = process.argv.slice(2);
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const ready = (): void => print("ready");

let streams = 0;

function receiveStream(socket: Socket): void {
  const stream = streams++;
  let received = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (data: Buffer) => {
    print(`data ${stream} ${data.toString("hex")}`);
    if (!rest.includes("--ack")) return;
    received = Buffer.concat([received, data]);
    const { values, used } = decodeAll(received);
    received = received.subarray(used);
    for (const value of values) acknowledge(socket, value);
  });
}

function acknowledge(socket: Socket, value: unknown): void {
  const options: unknown = Array.isArray(value) ? value[3] : undefined;
  const chunk = options instanceof Map ? String(options.get("chunk")) : "";
  const text = Buffer.from(chunk);
  socket.write(
    Buffer.concat([Buffer.from([0x81, 0xa3]), Buffer.from("ack"), Buffer.from([0xd9, text.length]), text]),
  );
}

function receiveUdp(): void {
  const socket = createSocket("udp4");
  socket.on("message", (data) => print(`datagram ${data.toString("hex")}`));
  socket.bind(Number(address), "127.0.0.1", ready);
}

/** Node has no such sockets; these two calls make one. */
async function receiveUnixDatagrams(): Promise<void> {
  const ffi = await import("node:ffi");
  using library = ffi.dlopen(null, {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
  });
  const fd = library.functions.socket(1, 2, 0);
  const name = Buffer.alloc(110);
  name.writeUInt16LE(1, 0);
  name.write(address, 2);
  if (library.functions.bind(fd, name, 2 + address.length + 1) !== 0) throw new Error(`bind ${address}`);
  ready();
  const buffer = Buffer.alloc(1 << 20);
  for (;;) print(`datagram ${buffer.toString("hex", 0, readSync(fd, buffer))}`);
}

if (kind === "udp") receiveUdp();
else if (kind === "unixgram") await receiveUnixDatagrams();
else if (kind === "unix") createServer(receiveStream).listen(address, ready);
else if (kind === "tcp") createServer(receiveStream).listen(Number(address), "127.0.0.1", ready);
else {
  const [cert = "", key = ""] = rest;
  const pair = { cert: readFileSync(cert), key: readFileSync(key) };
  createTlsServer(pair, receiveStream).listen(Number(address), "127.0.0.1", ready);
}
