// Sockets of another network namespace: a sandbox's, or a network's own.

import { Socket as DatagramSocket } from "node:dgram";
import { Socket } from "node:net";
import { Slots } from "#base/slots.ts";
import type { Family } from "#formats/ip-prefix.ts";
import { encodeSocketAddress } from "#formats/socket-address.ts";
import type { PassedSocket, SocketSource } from "#kernel/zygote/passed-sockets.ts";

const CLONE_NEWNET = 0x40000000;

/** Whoever waits is told; a failure beside an abort is nobody's any more, and must not end the daemon. */
const ignore = (): void => undefined;

/** How many are made at a time, as making them takes a process, and for how long those that nobody needs stay. */
const BATCH = 8;
const SPARE_MS = 10_000;
/** Each connection that is being made is a process. */
const MOST_CONNECTING = 32;

/** They keep the namespace alive: closed with whoever has it. */
export class NamespaceSockets implements Disposable {
  readonly #source: SocketSource;
  readonly #path: string;
  readonly #connecting = new Slots(MOST_CONNECTING);
  readonly #spare: Record<Family, DatagramSocket[]> = { 4: [], 6: [] };
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `path`: of the namespace. */
  constructor(source: SocketSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /** Bound to a port of every address. Whoever takes it closes it. */
  async datagrams(family: Family, signal: AbortSignal): Promise<DatagramSocket> {
    const spare = this.#spare[family];
    if (spare.length === 0) await this.#makeDatagrams(family, signal);
    const socket = spare.pop();
    if (socket === undefined) throw new Error("the network namespace is gone");
    return socket;
  }

  async #makeDatagrams(family: Family, signal: AbortSignal): Promise<void> {
    const address = encodeSocketAddress(family === 4 ? "0.0.0.0" : "::", 0);
    const slots = Array.from({ length: BATCH }, (_, slot) => slot);
    await this.#source.open(
      (give) => [
        { op: "setns", why: "namespace", path: this.#path, flags: CLONE_NEWNET },
        ...slots.flatMap((slot) => [
          { op: "inetSocket", why: "datagrams", kind: "datagrams", address, slot } as const,
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

  /** The kernel tries for 4 s. Whoever takes it closes it. */
  async connect(address: string, port: number, signal: AbortSignal): Promise<Socket> {
    using _place = await this.#connecting.acquire(signal);
    const { promise, resolve } = Promise.withResolvers<Socket>();
    let taken: Socket | undefined;
    const open = this.#source.open(
      (give) => [
        { op: "setns", why: "namespace", path: this.#path, flags: CLONE_NEWNET },
        {
          op: "inetSocket",
          why: `connection to ${address}`,
          kind: "connection",
          address: encodeSocketAddress(address, port),
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
      signal.throwIfAborted();
      if (this.#closed) throw new Error("the network namespace is gone");
    } catch (error) {
      taken?.destroy();
      throw error;
    }
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
