// Calls generated services over gRPC. The library is loaded with the first call; so is the connection made.

import type { DescMethod } from "@bufbuild/protobuf";
import type { Client, ClientDuplexStream, ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { claimed } from "#base/decode.ts";
import { methodDefinition } from "./codec.ts";
import { maxMessageSize } from "./server.ts";
import type { CallOptions, ServiceCallers, ServiceShape } from "./service-types.ts";
import { decodeError, type ErrorCodec } from "./status.ts";

type Grpc = typeof import("@grpc/grpc-js");

interface Connection {
  readonly grpc: Grpc;
  readonly client: Client;
}

type ServerStream = ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>;

interface OpenStream {
  readonly call: ServerStream;
  readonly untie: () => void;
}

export class GrpcClient implements Disposable {
  readonly #target: string;
  readonly #codec: ErrorCodec | undefined;
  #connection: Promise<Connection> | undefined;

  /** `address`: "unix:///run/x.sock", a path, or host:port. */
  constructor(address: string, codec?: ErrorCodec) {
    this.#target = address.startsWith("/") ? `unix:${address}` : address;
    this.#codec = codec;
  }

  service<S extends ServiceShape>(service: S): ServiceCallers<S> {
    return claimed(
      Object.fromEntries(service.methods.map((method) => [method.localName, this.#caller(method)])),
    );
  }

  [Symbol.dispose](): void {
    void this.#connection?.then(({ client }) => client.close());
  }

  #caller(method: DescMethod): unknown {
    if (method.methodKind === "unary")
      return (request: unknown, options: CallOptions) => this.#unary(method, request, options);
    if (method.methodKind === "server_streaming")
      return (request: unknown, options: CallOptions) => this.#stream(method, request, options);
    return (options: CallOptions) => this.#duplex(method, options);
  }

  async #unary(method: DescMethod, request: unknown, { metadata, signal }: CallOptions): Promise<unknown> {
    const { grpc, client } = await this.#connect();
    signal?.throwIfAborted();
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
  #stream(method: DescMethod, request: unknown, { metadata, signal }: CallOptions): AsyncIterable<unknown> {
    const opening = this.#connect().then(({ grpc, client }) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
      const headers = toMetadata(grpc, metadata);
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        headers,
      );
      return { call, untie: tie(call, signal) };
    });
    opening.catch(() => undefined);
    return this.#answers(opening, signal);
  }

  async #duplex(method: DescMethod, { metadata, signal }: CallOptions) {
    const { grpc, client } = await this.#connect();
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const call: ClientDuplexStream<unknown, unknown> = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      toMetadata(grpc, metadata),
    );
    return {
      send: async (message: unknown) => {
        if (call.write(message)) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        call
          .once("drain", resolve)
          .once("close", resolve)
          .once("error", () => resolve());
        await promise;
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

  #connect(): Promise<Connection> {
    this.#connection ??= import("@grpc/grpc-js").then((grpc) => ({
      grpc,
      client: new grpc.Client(this.#target, grpc.credentials.createInsecure(), {
        "grpc.max_receive_message_length": maxMessageSize,
        "grpc.max_send_message_length": maxMessageSize,
      }),
    }));
    return this.#connection;
  }

  #toError(error: ServiceError): Error {
    const trailer = Object.fromEntries(
      Object.entries(error.metadata.getMap()).map(([name, value]) => [name, String(value)]),
    );
    return decodeError({ code: error.code, message: error.details, trailer }, this.#codec);
  }
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
