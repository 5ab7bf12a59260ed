// Carries datagrams to a container: one socket for each client, so that answers find their way back.

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { canonicalAddress } from "#formats/socket-address.ts";
import type { Target } from "./held-port.ts";

const IDLE_MS = 90_000;
/** A flood of forged senders must not take all descriptors. */
const MAX_CLIENTS = 256;
/** Datagrams of one client that wait for its socket. */
const MAX_WAITING = 64;

export function forwardDatagrams(listener: Socket, target: Target): { close(): void } {
  const clients = new Map<string, Client>();
  const open = (key: string, address: string, port: number): Client => {
    const client = new Client(
      target,
      (answer) => listener.send(answer, port, address),
      () => clients.delete(key),
    );
    clients.set(key, client);
    client.open();
    return client;
  };
  listener.on("error", () => {}); // an answer that could not be sent is lost, as datagrams are
  listener.on("message", (data, sender) => {
    if (sender.port === 0) return; // forged: nothing can be sent there, and Node throws
    const key = `${sender.address} ${sender.port}`;
    const known = clients.get(key);
    if (known === undefined && clients.size >= MAX_CLIENTS) return;
    (known ?? open(key, sender.address, sender.port)).send(data);
  });
  return {
    close: () => {
      for (const client of [...clients.values()]) client.close();
    },
  };
}

class Client {
  readonly #answer: (data: Uint8Array) => void;
  readonly #gone: () => void;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: Uint8Array[] = [];
  readonly #target: Target;
  #socket: Socket | undefined;

  /** `gone` is called once. */
  constructor(target: Target, answer: (data: Uint8Array) => void, gone: () => void) {
    this.#target = target;
    this.#answer = answer;
    this.#gone = gone;
    this.#timer = setTimeout(() => this.close(), IDLE_MS).unref();
  }

  open(): void {
    const { address, from } = this.#target;
    if (from === undefined) this.#take(createSocket(isIPv6(address) ? "udp6" : "udp4"));
    else
      from.datagrams(isIPv6(address) ? 6 : 4, this.#closing.signal).then(
        (socket) => this.#take(socket),
        () => this.close(),
      );
  }

  /** It is not connected, as Node cannot connect a socket of IPv6 that was passed to it: so who answers is looked at. */
  #take(socket: Socket): void {
    const { signal } = this.#closing;
    if (signal.aborted) return void socket.close();
    const { port } = this.#target;
    const address = canonicalAddress(this.#target.address);
    signal.addEventListener("abort", () => socket.close(), { once: true });
    socket.on("error", () => this.close());
    socket.on("message", (answer, sender) => {
      if (sender.port !== port || sender.address !== address) return;
      this.#timer.refresh();
      this.#answer(answer);
    });
    this.#socket = socket;
    for (const data of this.#waiting.splice(0)) this.send(data);
  }

  send(data: Uint8Array): void {
    const { port, address } = this.#target;
    this.#timer.refresh();
    if (this.#socket !== undefined) this.#socket.send(data, port, address);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(data);
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#closing.abort();
    this.#gone();
  }
}
