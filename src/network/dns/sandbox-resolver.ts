// The resolver of one sandbox: what comes in on its sockets, and what is answered.

import type { Socket as DatagramSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import {
  decodeQuery,
  encodeAnswer,
  encodeFailure,
  type Query,
  recordTypes,
  responseCodes,
  udpLimit,
} from "#formats/dns/message.ts";
import { answerLocally } from "./answer-locally.ts";
import { askUpstreams, type Exchange, type SilentServers } from "./ask-upstreams.ts";
import { encodeFrame, FrameReader, LARGEST_MESSAGE } from "./frames.ts";
import type { NameDirectory, NameSettings } from "./names.ts";

/** As Docker's. */
const LIFETIME_SECONDS = 600;
/** Questions that wait for upstream servers, and connections, of one sandbox: each is a descriptor of the daemon. */
const MOST_WAITING = 256;
const MOST_CONNECTIONS = 64;
const IDLE_MS = 10_000;
/** Zone transfers are many messages; nobody asks a forwarder for them. */
const TRANSFERS = [251, 252];

export interface ResolverDeps {
  readonly directory: NameDirectory;
  readonly silent: SilentServers;
  /** In the sandbox's namespace or the host's, as the server says. */
  readonly exchange: Exchange;
}

type Protocol = "udp" | "tcp";
type Answer = Uint8Array | Promise<Uint8Array | undefined> | undefined;

export class SandboxResolver implements Disposable {
  readonly #deps: ResolverDeps;
  readonly #sandboxId: string;
  readonly #closing = new AbortController();
  readonly #sockets = new DisposableStack();
  #turn = 0;
  #waiting = 0;
  /** May be changed while it serves. */
  settings: NameSettings;

  constructor(deps: ResolverDeps, sandboxId: string, settings: NameSettings) {
    this.#deps = deps;
    this.#sandboxId = sandboxId;
    this.settings = settings;
  }

  /** It is closed with this; at once if this is closed. */
  serveDatagrams(socket: DatagramSocket): void {
    if (this.#closing.signal.aborted) return void socket.close();
    this.#sockets.defer(() => socket.close());
    socket.on("error", () => undefined); // a client that is gone
    socket.on("message", (bytes, { address, port }) => {
      if (port === 0) return; // forged: nothing can be sent there, and Node throws
      const send = (answer: Uint8Array | undefined): void => {
        if (answer !== undefined && !this.#closing.signal.aborted)
          socket.send(answer, port, address, () => undefined);
      };
      const answer = this.answer(bytes, "udp");
      if (answer instanceof Promise) void answer.then(send);
      else send(answer);
    });
  }

  /** It is closed with this, and its connections; at once if this is closed. */
  serveConnections(server: Server): void {
    if (this.#closing.signal.aborted) return void server.close();
    const open = new Set<Socket>();
    this.#sockets.defer(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.on("error", () => undefined);
    server.on("connection", (socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
      this.#serveConnection(socket);
    });
  }

  #serveConnection(socket: Socket): void {
    const frames = new FrameReader();
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      frames.push(chunk);
      for (let bytes = frames.next(); bytes !== undefined; bytes = frames.next())
        void this.#reply(socket, bytes);
      // Who asks and does not read has to wait.
      if (socket.writableNeedDrain) {
        socket.pause();
        socket.once("drain", () => socket.resume());
      }
    });
  }

  async #reply(socket: Socket, bytes: Uint8Array): Promise<void> {
    const answer = await this.answer(bytes, "tcp");
    if (answer !== undefined && socket.writable) socket.write(encodeFrame(answer));
  }

  /** At once for names of ours; undefined for what deserves no answer. Never rejects. */
  answer(bytes: Uint8Array, protocol: Protocol): Answer {
    const query = decodeQuery(bytes);
    if (query === "ignore") return undefined;
    if (typeof query === "number") return encodeFailure(bytes, query);
    const records = answerLocally(this.#deps.directory, this.#sandboxId, query, this.#turn++);
    if (records === undefined) return this.#forward(bytes, query, protocol);
    const limit = protocol === "tcp" ? LARGEST_MESSAGE : udpLimit(query.largest);
    return encodeAnswer(bytes, query, records, { limit, lifetime: LIFETIME_SECONDS });
  }

  #forward(bytes: Uint8Array, query: Query, protocol: Protocol): Answer {
    const { mayAskOutside, keepsSingleLabels, upstreams } = this.settings;
    if (TRANSFERS.includes(query.type)) return encodeFailure(bytes, responseCodes.refused, query);
    const asksAddress = query.type === recordTypes.A || query.type === recordTypes.AAAA;
    if (keepsSingleLabels && asksAddress && !query.name.includes("."))
      return encodeFailure(bytes, responseCodes.noError, query);
    if (!mayAskOutside || upstreams.length === 0 || this.#waiting >= MOST_WAITING)
      return encodeFailure(bytes, responseCodes.serverFailure, query);
    return this.#ask(Buffer.from(bytes), query, protocol);
  }

  async #ask(bytes: Uint8Array, { end }: Query, protocol: Protocol): Promise<Uint8Array> {
    this.#waiting++;
    try {
      const question = { bytes, end, protocol };
      const reply = await askUpstreams(this.#deps, this.settings.upstreams, question, this.#closing.signal);
      return reply?.bytes ?? encodeFailure(bytes, responseCodes.serverFailure, { end });
    } finally {
      this.#waiting--;
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#sockets.dispose();
  }
}
