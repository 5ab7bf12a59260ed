// Sockets to ask upstream servers by: each is used for one question, so that its port cannot be guessed.

import { createSocket, Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import type { Family } from "#formats/ip-prefix.ts";
import { encodeSocketAddress } from "#formats/socket-address.ts";
import type { PassedSocket, SocketSource } from "#kernel/zygote/passed-sockets.ts";

/** Whoever takes a socket closes it. */
export interface QuerySockets {
  datagrams(family: Family, signal: AbortSignal): Promise<DatagramSocket>;
  connect(address: string, signal: AbortSignal): Promise<Socket>;
}

export const DNS_PORT = 53;
const CLONE_NEWNET = 0x40000000;

/** Whoever waits is told; a failure beside an abort is nobody's any more, and must not end the daemon. */
const ignore = (): void => undefined;

/** Of this process' network namespace. */
export const hostSockets: QuerySockets = {
  datagrams: async (family, signal) => {
    const socket = createSocket(`udp${family}`).on("error", ignore);
    socket.bind();
    try {
      await once(socket, "listening", { signal });
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  },
  connect: async (address, signal) => {
    const socket = connect({ host: address, port: DNS_PORT, signal });
    await once(socket, "connect", { signal });
    return socket;
  },
};

/** How many are made at a time, as making them takes a process, and for how long those that nobody needs stay. */
const BATCH = 8;
const SPARE_MS = 10_000;

/** Of a sandbox's network namespace, which they keep alive: closed with the sandbox. */
export class SandboxSockets implements QuerySockets, Disposable {
  readonly #source: SocketSource;
  readonly #path: string;
  readonly #spare: Record<Family, DatagramSocket[]> = { 4: [], 6: [] };
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `path`: of the namespace. */
  constructor(source: SocketSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  async datagrams(family: Family, signal: AbortSignal): Promise<DatagramSocket> {
    const spare = this.#spare[family];
    if (spare.length === 0) await this.#makeDatagrams(family, signal);
    const socket = spare.pop();
    if (socket === undefined) throw new Error("the sandbox is gone");
    return socket;
  }

  async #makeDatagrams(family: Family, signal: AbortSignal): Promise<void> {
    const address = encodeSocketAddress(family === 4 ? "0.0.0.0" : "::", 0);
    const slots = Array.from({ length: BATCH }, (_, slot) => slot);
    await this.#source.open(
      (give) => [
        { op: "setns", why: "sandbox", path: this.#path, flags: CLONE_NEWNET },
        ...slots.flatMap((slot) => [
          { op: "inetSocket", why: "question", kind: "datagrams", address, slot } as const,
          give(slot, "datagrams", family),
        ]),
      ],
      (socket) => this.#keep(family, socket),
      signal,
    );
  }

  #keep(family: Family, socket: PassedSocket): void {
    if (!(socket instanceof DatagramSocket)) return;
    if (this.#closed) return void socket.close();
    this.#spare[family].push(socket.on("error", ignore));
    this.#timer ??= setTimeout(() => this.#release(), SPARE_MS).unref();
  }

  async connect(address: string, signal: AbortSignal): Promise<Socket> {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    let taken: Socket | undefined;
    const open = this.#source.open(
      (give) => [
        { op: "setns", why: "sandbox", path: this.#path, flags: CLONE_NEWNET },
        {
          op: "inetSocket",
          why: `connection to ${address}`,
          kind: "connection",
          address: encodeSocketAddress(address, DNS_PORT),
          slot: 0,
        },
        give(0, "connection"),
      ],
      (socket) => {
        if (!(socket instanceof Socket)) return;
        taken = socket.on("error", ignore);
        if (this.#closed || signal.aborted) socket.destroy();
        else resolve(socket);
      },
      signal,
    );
    try {
      await open;
    } catch (error) {
      taken?.destroy();
      throw error;
    }
    signal.throwIfAborted();
    if (this.#closed) throw new Error("the sandbox is gone");
    return await promise;
  }

  #release(): void {
    this.#timer = undefined;
    for (const family of [4, 6] as const) for (const socket of this.#spare[family].splice(0)) socket.close();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#release();
  }
}
