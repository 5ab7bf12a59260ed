// A connection to a D-Bus daemon, or to a program that speaks D-Bus without one (systemd's private socket).
//
// Ours, because no more than a handful of calls and one signal of systemd's is needed: the libraries on npm bring XML for introspection,
// their own big integers and streams (@httptoolkit/dbus-native), native code for passing fds (dbus-next), or are not maintained.
//
//   client                                   daemon
//     NUL, AUTH EXTERNAL <hex of the uid>  ->
//                                          <- OK <guid>
//     BEGIN                                ->            from here on messages
//     Hello (daemons only)                 ->            the client gets its name

import { connect, type Socket } from "node:net";
import { EngineError, systemError } from "#base/errors.ts";
import { type DbusMessage, decodeMessage, encodeMessage } from "#formats/dbus/message.ts";
import type { DbusValue } from "#formats/dbus/signature.ts";

export interface BusAddress {
  readonly path: string;
  /** Whether a daemon stands between, which is greeted. */
  readonly isDaemon: boolean;
}

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly DbusValue[];
}

/** What the other side answered instead of a result. */
export class BusError extends EngineError {
  /** "org.freedesktop.systemd1.UnitExists" */
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super("system", message === "" ? errorName : message);
    this.errorName = errorName;
  }
}

interface Pending {
  resolve(body: readonly DbusValue[]): void;
  reject(error: unknown): void;
}

export class Bus implements Disposable {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(signal: DbusMessage) => void>();
  #serial = 0;
  #received: Uint8Array = new Uint8Array();

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** `uid`: the caller's, as the other side sees it. */
  static async open({ path, isDaemon }: BusAddress, uid: number, signal: AbortSignal): Promise<Bus> {
    const socket = connect(path);
    const giveUp = (): void => void socket.destroy(systemError("the connection to D-Bus was given up"));
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const rest = await authenticate(socket, uid);
      const bus = new Bus(socket);
      bus.#listen(rest);
      if (isDaemon) await bus.call(daemonCall("Hello"), signal);
      return bus;
    } catch (error) {
      socket.destroy();
      throw systemError(`cannot connect to D-Bus at ${path}`, { cause: error });
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Throws BusError for an error that the other side answers. */
  async call({ body = [], ...call }: BusCall, signal: AbortSignal): Promise<readonly DbusValue[]> {
    signal.throwIfAborted();
    if (this.#socket.destroyed) throw systemError("the connection to D-Bus was closed");
    const serial = ++this.#serial;
    const { promise, resolve, reject } = Promise.withResolvers<readonly DbusValue[]>();
    const giveUp = (): void => reject(signal.reason);
    this.#pending.set(serial, { resolve, reject });
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      this.#socket.write(encodeMessage({ type: "call", serial, body, ...call }));
      return await promise;
    } finally {
      this.#pending.delete(serial);
      signal.removeEventListener("abort", giveUp);
    }
  }

  onSignal(listener: (signal: DbusMessage) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #listen(rest: Uint8Array): void {
    const fail = (error?: unknown): void => {
      for (const { reject } of this.#pending.values())
        reject(error ?? systemError("the connection to D-Bus was closed"));
    };
    this.#socket.on("data", (bytes: Buffer) => this.#receive(bytes, fail));
    this.#socket.on("error", fail);
    this.#socket.on("close", () => fail());
    this.#receive(rest, fail);
  }

  #receive(bytes: Uint8Array, fail: (error: unknown) => void): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    try {
      for (let found = decodeMessage(this.#received); found; found = decodeMessage(this.#received)) {
        this.#received = this.#received.subarray(found.size);
        this.#dispatch(found.message);
      }
    } catch (error) {
      fail(error);
      this.#socket.destroy();
    }
  }

  #dispatch(message: DbusMessage): void {
    if (message.type === "signal") for (const listener of this.#listeners) listener(message);
    const pending = this.#pending.get(message.replySerial ?? 0);
    if (message.type === "reply") pending?.resolve(message.body);
    if (message.type === "error")
      pending?.reject(new BusError(message.errorName ?? "", String(message.body[0] ?? "")));
  }
}

/** A call of the daemon itself. */
export const daemonCall = (member: string, ...body: readonly string[]): BusCall => ({
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member,
  signature: "s".repeat(body.length),
  body,
});

/** Resolves to what came after the line of the answer. */
function authenticate(socket: Socket, uid: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let received = "";
  const read = (bytes: Buffer): void => {
    received += bytes.toString("latin1");
    const end = received.indexOf("\r\n");
    if (end < 0) return;
    if (received.startsWith("OK")) {
      socket.write("BEGIN\r\n");
      resolve(Buffer.from(received.slice(end + 2), "latin1"));
    } else reject(systemError(`refused: ${received.slice(0, end)}`));
  };
  const closed = (): void => reject(systemError("closed while authenticating"));
  socket.on("data", read).on("error", reject).on("close", closed);
  socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString("hex")}\r\n`);
  return promise.finally(() => socket.off("data", read).off("error", reject).off("close", closed));
}
