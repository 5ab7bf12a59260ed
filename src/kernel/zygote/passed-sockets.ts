// Sockets that a plan makes, in whatever network namespace, for this process to serve.
//
// Node takes descriptors on the channel of a child process only, in a protocol of its own (lib/internal/child_process.js): a line of JSON that
// tells what to make of the descriptor that came along. The zygote is such a child, and the processes that it forks for plans speak for it.
//
//   plan's process ---- {"cmd":"NODE_HANDLE","type":"dgram.Socket","dgramType":"udp4","msg":{…}} + fd ----> this process
//                  <--- {"cmd":"NODE_HANDLE_ACK"} ---- read by the next plan that gives something

import type { ChildProcess } from "node:child_process";
import { Socket as DatagramSocket } from "node:dgram";
import { Server, Socket } from "node:net";
import { claimed } from "#base/decode.ts";
import type { Executor } from "../plan/executor.ts";
import type { Op, Plan } from "../plan/ops.ts";

export type PassedSocket = DatagramSocket | Server | Socket;
type SocketKind = Extract<Op, { readonly op: "inetSocket" }>["kind"];

/** The operation that gives the socket of a slot. */
export type Give = (slot: number, kind: SocketKind, family?: 4 | 6) => Op;

export interface SocketSource {
  /**
   * Runs the plan, and resolves when it has ended and every socket that it gave was taken. `take` gets each at once, while nothing can have
   * come in on it; whoever takes it closes it, also when this rejects: with PlanError, or as the zygote is gone.
   */
  open(
    planOf: (give: Give) => Plan,
    take: (socket: PassedSocket, slot: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

interface Message {
  readonly request: number;
  readonly slot: number;
}

interface Waiting {
  left: number;
  readonly take: (socket: PassedSocket, slot: number) => void;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

const handleTypes: Readonly<Record<SocketKind, string>> = {
  datagrams: "dgram.Socket",
  listener: "net.Server",
  connection: "net.Socket",
};

export class PassedSockets implements SocketSource {
  readonly #executor: Pick<Executor, "run">;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #isClosed = false;

  /** `child` has been given a channel, which does not keep this process alive. */
  constructor(executor: Pick<Executor, "run">, child: ChildProcess) {
    this.#executor = executor;
    child.on("message", (message, handle) => {
      if (handle instanceof DatagramSocket || handle instanceof Server || handle instanceof Socket)
        this.#arrived(claimed<Message>(message), handle);
    });
    child.on("disconnect", () => this.#disconnected());
    child.channel?.unref();
  }

  async open(
    planOf: (give: Give) => Plan,
    take: (socket: PassedSocket, slot: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const request = ++this.#requests;
    let left = 0;
    const plan = planOf((slot, kind, family = 4) => {
      left++;
      const text = JSON.stringify({
        cmd: "NODE_HANDLE",
        type: handleTypes[kind],
        dgramType: `udp${family}`,
        msg: { request, slot },
      });
      return { op: "giveSocket", why: "socket for the daemon", slot, text };
    });
    if (this.#isClosed) throw gone();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined); // the plan may fail first
    this.#waiting.set(request, { left, take, done: resolve, fail: reject });
    try {
      await this.#executor.run(plan, signal);
      await promise;
    } finally {
      this.#waiting.delete(request);
    }
  }

  #arrived({ request, slot }: Message, socket: PassedSocket): void {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) {
      closePassed(socket); // its plan failed after it had given this one
      return;
    }
    waiting.take(socket, slot);
    waiting.left--;
    if (waiting.left === 0) waiting.done();
  }

  #disconnected(): void {
    this.#isClosed = true;
    for (const { fail } of this.#waiting.values()) fail(gone());
  }
}

const gone = (): Error => new Error("the zygote is gone, which passes sockets");

function closePassed(socket: PassedSocket): void {
  if (socket instanceof Socket) socket.destroy();
  else socket.close();
}
