// Calls generated services over gRPC. The library is loaded with the first call; so is the connection made.

import type { DescMethod } from "@bufbuild/protobuf";
import type { Client, ClientDuplexStream, ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { claimed } from "#base/decode.ts";
import { EngineError } from "#base/errors.ts";
import { methodDefinition } from "./codec.ts";
import { firstEvent } from "./first-event.ts";
import { maxMessageSize } from "./server.ts";
import type { CallOptions, ServiceCallers, ServiceShape } from "./service-types.ts";
import { decodeError, type ErrorCodec, isFromPeer } from "./status.ts";

type Grpc = typeof import("@grpc/grpc-js");

interface Connection {
  readonly grpc: Grpc;
  readonly client: Client;
}

type ServerStream = ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>;

/** Between attempts to connect, in milliseconds: a socket of this machine costs little to try. */
const reconnectTime = { first: 50, longest: 500 };

class ConnectionLost extends EngineError {}

interface OpenStream {
  readonly call: ServerStream;
  readonly untie: () => void;
}

export interface GrpcClientOptions {
  readonly codec: ErrorCodec;
  /** How long a call waits for a server that is not there, in milliseconds. */
  readonly patience: number;
}

export class GrpcClient implements Disposable {
  readonly #target: string;
  readonly #codec: ErrorCodec;
  readonly #patience: number;
  #connection: Promise<Connection> | undefined;
  #closed = false;

  /** `address`: "unix:///run/x.sock", a path, or host:port. */
  constructor(address: string, { codec, patience }: GrpcClientOptions) {
    this.#target = address.startsWith("/") ? `unix:${address}` : address;
    this.#codec = codec;
    this.#patience = patience;
  }

  service<S extends ServiceShape>(service: S): ServiceCallers<S> {
    return claimed(
      Object.fromEntries(service.methods.map((method) => [method.localName, this.#caller(method)])),
    );
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    void this.#connection?.then(({ client }) => client.close());
  }

  #caller(method: DescMethod): unknown {
    if (method.methodKind === "unary")
      return (request: unknown, options: CallOptions) => this.#unary(method, request, options);
    if (method.methodKind === "server_streaming")
      return (request: unknown, options: CallOptions) => this.#stream(method, request, options);
    return (options: CallOptions) => this.#duplex(method, options);
  }

  async #unary(method: DescMethod, request: unknown, options: CallOptions): Promise<unknown> {
    for (;;) {
      const connection = await this.#ready(options);
      options.signal?.throwIfAborted();
      try {
        return await this.#ask(connection, method, request, options);
      } catch (error) {
        if (!(error instanceof ConnectionLost && options.lasting)) throw error;
      }
    }
  }

  async #ask(
    { grpc, client }: Connection,
    method: DescMethod,
    request: unknown,
    { metadata, signal }: CallOptions,
  ): Promise<unknown> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      toMetadata(grpc, metadata),
      (error, value) => {
        if (error === null) resolve(value);
        else reject(this.#toError(error));
      },
    );
    const cancel = (): void => {
      call.cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** The call is made now, not when the first answer is asked for. */
  #stream(method: DescMethod, request: unknown, options: CallOptions): AsyncIterable<unknown> {
    const open = async (): Promise<OpenStream> => {
      const { grpc, client } = await this.#ready(options);
      const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
      const headers = toMetadata(grpc, options.metadata);
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        headers,
      );
      return { call, untie: tie(call, options.signal) };
    };
    const opening = open();
    opening.catch(() => undefined);
    if (options.lasting !== true) return this.#answers(opening, options.signal);
    return this.#reopened(opening, open, options.signal);
  }

  /** What was said while the connection was lost is missed. */
  async *#reopened(
    first: Promise<OpenStream>,
    open: () => Promise<OpenStream>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<unknown> {
    for (let opening = first; ; opening = open()) {
      try {
        yield* this.#answers(opening, signal);
        return;
      } catch (error) {
        if (signal?.aborted === true) return;
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
  }

  async #duplex(method: DescMethod, options: CallOptions) {
    const { metadata, signal } = options;
    const { grpc, client } = await this.#ready(options);
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const call: ClientDuplexStream<unknown, unknown> = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      toMetadata(grpc, metadata),
    );
    return {
      send: async (message: unknown) => {
        if (!call.write(message)) await firstEvent(call, ["drain", "close", "error"]);
      },
      end: () => call.end(),
      answers: this.#answers(Promise.resolve({ call, untie: tie(call, signal) }), signal)[
        Symbol.asyncIterator
      ](),
      [Symbol.dispose]: () => call.cancel(),
    };
  }

  async *#answers(opening: Promise<OpenStream>, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
    const { call, untie } = await opening;
    try {
      yield* call;
    } catch (error) {
      if (signal?.aborted === true) return;
      throw isServiceError(error) ? this.#toError(error) : error;
    } finally {
      untie();
      call.cancel();
    }
  }

  /** Waits for the server: one that is being started again is no failure yet. */
  async #ready({ signal, lasting }: CallOptions): Promise<Connection> {
    const connection = await this.#connect();
    while (!this.#closed && signal?.aborted !== true) {
      if (await isConnected(connection.client, this.#patience, signal)) return connection;
      if (lasting !== true) break;
    }
    signal?.throwIfAborted();
    throw new EngineError("unavailable", `cannot connect to ${this.#target}: unavailable`);
  }

  #connect(): Promise<Connection> {
    this.#connection ??= import("@grpc/grpc-js").then((grpc) => ({
      grpc,
      client: new grpc.Client(this.#target, grpc.credentials.createInsecure(), {
        "grpc.max_receive_message_length": maxMessageSize,
        "grpc.max_send_message_length": maxMessageSize,
        "grpc.initial_reconnect_backoff_ms": reconnectTime.first,
        "grpc.max_reconnect_backoff_ms": reconnectTime.longest,
      }),
    }));
    return this.#connection;
  }

  #toError(error: ServiceError): Error {
    const trailer = Object.fromEntries(
      Object.entries(error.metadata.getMap()).map(([name, value]) => [name, String(value)]),
    );
    const status = { code: error.code, message: error.details, trailer };
    if (!isFromPeer(status)) return new ConnectionLost("unavailable", error.details);
    return decodeError(status, this.#codec);
  }
}

/** False after `patience` milliseconds, or when the signal aborts. */
async function isConnected(
  client: Client,
  patience: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const leave = (): void => resolve(false);
  signal?.addEventListener("abort", leave, { once: true });
  client.waitForReady(Date.now() + patience, (error) => resolve(error === undefined));
  return promise.finally(() => signal?.removeEventListener("abort", leave));
}

/** The call ends with the signal, read or not. Its failure reaches whoever reads it; nobody may be reading. */
function tie(call: ServerStream, signal: AbortSignal | undefined): () => void {
  const cancel = (): void => call.cancel();
  call.on("error", () => undefined);
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted === true) cancel();
  return () => signal?.removeEventListener("abort", cancel);
}

function toMetadata(grpc: Grpc, values: Readonly<Record<string, string>>): Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && "code" in error && "details" in error && "metadata" in error;
