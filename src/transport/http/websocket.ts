// A WebSocket as a stream of bytes: what is written goes out as a message, what messages hold is read.

import { Duplex } from "node:stream";
import { encodeWebSocketFrame, opcodes, WebSocketDecoder } from "#formats/websocket.ts";

export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #decoder = new WebSocketDecoder();
  readonly #opcode: number;
  #closing = false;

  /** `socket` belongs to this stream from now on. `text`: the type of the messages that are sent. */
  constructor(socket: Duplex, { text }: { readonly text: boolean }) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#opcode = text ? opcodes.text : opcodes.binary;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    socket.on("error", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#closing)
      done(); // the client has closed: nobody reads this
    else if (this.#socket.write(encodeWebSocketFrame(this.#opcode, chunk)) || this.#socket.destroyed) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: () => void): void {
    this.#sendClose(Buffer.from([0x03, 0xe8])); // 1000: all was said
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const { opcode, payload } of this.#decoder.decode(chunk)) this.#take(opcode, payload);
    } catch {
      this.destroy();
    }
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.#socket.write(encodeWebSocketFrame(opcodes.pong, payload));
    else if (opcode === opcodes.close) {
      this.#sendClose(payload.subarray(0, 2));
      this.once("end", () => this.#socket.end(() => this.destroy())); // it reads no more either
      this.push(null);
    } else if (opcode < opcodes.close && !this.readableEnded && !this.push(payload)) this.#socket.pause();
  }

  #sendClose(status: Buffer): void {
    if (this.#closing || this.#socket.destroyed) return;
    this.#closing = true;
    this.#socket.write(encodeWebSocketFrame(opcodes.close, status));
  }
}
