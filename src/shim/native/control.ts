// The daemon's connection to one shim: requests with numbered replies, and notices of exits.

import type { Socket } from "node:net";
import { EngineError } from "#base/errors.ts";
import type { PlanError } from "#kernel/plan/executor.ts";
import { readFailure } from "#kernel/zygote/failure.ts";
import { BodyReader, type Frame, FrameReader, frameTypes } from "#kernel/zygote/wire-frames.ts";
import { encodeRequest, type ProcessStatus, readExit } from "./bodies.ts";
import type { RequestName, RequestValues } from "./requests.table.ts";

interface Waiting {
  readonly resolve: (body: BodyReader) => void;
  readonly reject: (error: Error) => void;
  readonly whyOf: (index: number) => string;
}

const lost = (): EngineError => new EngineError("notFound", "the shim has ended");

/** What a shim says of a request it could not do, for callers that know kinds. */
const kindly = (error: PlanError): Error =>
  error.code === "ESRCH" ? new EngineError("notFound", "process already finished", { cause: error }) : error;

export class ShimControl {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed = Promise.withResolvers<void>();
  #next = 1;

  readonly #onExit: (exit: ProcessStatus) => void;
  readonly #onOther: (frame: Frame) => void;

  /** `onExit` is called for each process, before the connection closes; `onOther` for what is neither that nor a reply. */
  constructor(
    socket: Socket,
    onExit: (exit: ProcessStatus) => void,
    onOther: (frame: Frame) => void = () => {},
  ) {
    this.#socket = socket;
    this.#onExit = onExit;
    this.#onOther = onOther;
    socket.on("data", (chunk) => {
      try {
        this.#frames.push(Buffer.from(chunk));
        for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next())
          this.#take(frame);
      } catch {
        socket.destroy(); // nonsense from one shim must not end the daemon: it counts as lost
      }
    });
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => {
      for (const { reject } of this.#waiting.values()) reject(lost());
      this.#waiting.clear();
      this.#closed.resolve();
    });
  }

  /** Resolves when the shim or this side has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  #take(frame: Frame): void {
    const { type, body } = frame;
    const reader = new BodyReader(body);
    if (type === frameTypes.exit) this.#onExit(readExit(reader));
    else if (type === frameTypes.done || type === frameTypes.failed) this.#takeReply(type, reader);
    else this.#onOther(frame);
  }

  #takeReply(type: string, reader: BodyReader): void {
    const number = reader.u32();
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (waiting === undefined) return;
    if (type === frameTypes.done) waiting.resolve(reader);
    else waiting.reject(kindly(readFailure(reader, waiting.whyOf)));
  }

  /** Resolves to the reply's body. */
  async request<K extends RequestName>(
    name: K,
    values: RequestValues<K>,
    whyOf: (index: number) => string = () => "shim",
  ): Promise<BodyReader> {
    if (this.#socket.destroyed) throw lost();
    const number = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<BodyReader>();
    this.#waiting.set(number, { resolve, reject, whyOf });
    this.#socket.write(encodeRequest(name, number, values));
    return await promise;
  }

  /** This side says no more: a shim with a will ends. `closed` resolves behind the will. */
  end(): void {
    this.#socket.end();
  }

  /** The shim goes on. */
  close(): void {
    this.#socket.destroy();
  }
}
