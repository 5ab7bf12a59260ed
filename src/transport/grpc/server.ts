// Serves generated services over gRPC on a unix socket. The library is loaded when the first server is.

import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedHandleCall,
} from "@grpc/grpc-js";
import { claimed } from "#base/decode.ts";
import { conflict } from "#base/errors.ts";
import { serviceDefinition } from "./codec.ts";
import { firstEvent } from "./first-event.ts";
import type { GrpcCall, ServiceHandlers, ServiceShape } from "./service-types.ts";
import { type ErrorCodec, encodeError } from "./status.ts";

export const maxMessageSize = 16 * 1024 * 1024;

export interface ServedService {
  readonly service: ServiceShape;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** Ties handlers to their service; the types are checked here and forgotten after. */
export const serve = <S extends ServiceShape>(service: S, handlers: ServiceHandlers<S>): ServedService => ({
  service,
  handlers: claimed(handlers),
});

type UnaryHandler = (request: unknown, call: GrpcCall) => Promise<unknown>;
type StreamHandler = (request: unknown, call: GrpcCall) => AsyncIterable<unknown>;
type Writable = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type Grpc = typeof import("@grpc/grpc-js");

export interface GrpcServerOptions {
  /** Mode of the socket. */
  readonly mode?: number;
  readonly codec?: ErrorCodec;
}

export async function openGrpcServer(
  path: string,
  services: readonly ServedService[],
  options: GrpcServerOptions = {},
): Promise<AsyncDisposable> {
  const grpc = await import("@grpc/grpc-js");
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maxMessageSize,
    "grpc.max_send_message_length": maxMessageSize,
  });
  for (const { service, handlers } of services) {
    const adapted = service.methods.flatMap((method): readonly [string, UntypedHandleCall][] => {
      const handler = handlers[method.localName];
      if (handler === undefined) return [];
      return [[method.localName, adapt({ grpc, codec: options.codec }, method.methodKind, handler)]];
    });
    server.addService(serviceDefinition(service), Object.fromEntries(adapted));
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  await removeStaleSocket(path);
  await bind(grpc, server, path);
  chmodSync(path, options.mode ?? 0o660);
  return {
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      rmSync(path, { force: true });
    },
  };
}

interface Adapting {
  readonly grpc: Grpc;
  readonly codec: ErrorCodec | undefined;
}

function adapt(by: Adapting, kind: string, handler: unknown): UntypedHandleCall {
  if (kind === "unary") {
    const answer = claimed<UnaryHandler>(handler);
    return (call: ServerUnaryCall<unknown, unknown>, respond: sendUnaryData<unknown>) =>
      void answerOnce(by, call, answer, respond);
  }
  const answer = claimed<StreamHandler>(handler);
  if (kind === "server_streaming")
    return (call: ServerWritableStream<unknown, unknown>) =>
      void pump(by, call, (described) => answer(call.request, described));
  return (call: ServerDuplexStream<unknown, unknown>) =>
    // Reading to the end must not destroy the stream: the answers are still to go.
    void pump(by, call, (described) => answer(call.iterator({ destroyOnReturn: false }), described));
}

async function answerOnce(
  by: Adapting,
  call: ServerUnaryCall<unknown, unknown>,
  handler: UnaryHandler,
  respond: sendUnaryData<unknown>,
): Promise<void> {
  const { call: described, finish } = describeCall(call);
  try {
    const value = await handler(call.request, described);
    finish();
    respond(null, value);
  } catch (error) {
    finish();
    respond(toServerError(by, error));
  }
}

/** `finish`: the library calls an ended call cancelled, too; what it has made must live on. */
function describeCall(call: { readonly metadata: Metadata } & Cancellable) {
  const controller = new AbortController();
  let finished = false;
  call.on("cancelled", () => {
    if (!finished) controller.abort();
  });
  const described: GrpcCall = {
    metadata: (name) => {
      const [value] = call.metadata.get(name);
      return typeof value === "string" ? value : undefined;
    },
    signal: controller.signal,
  };
  const finish = (): void => {
    finished = true;
  };
  return { call: described, finish };
}

interface Cancellable {
  on(event: "cancelled", listener: () => void): unknown;
}

async function pump(
  by: Adapting,
  call: Writable & { readonly metadata: Metadata },
  open: (call: GrpcCall) => AsyncIterable<unknown>,
): Promise<void> {
  const described = describeCall(call);
  try {
    const answers = open(described.call);
    // The headers tell the client that its subscription stands, long before there is a first message.
    call.sendMetadata(new by.grpc.Metadata());
    for await (const answer of answers) {
      if (call.cancelled) return;
      if (!call.write(answer)) await drained(call);
    }
    described.finish();
    call.end();
  } catch (error) {
    // The library's way to end a stream with a status; destroying it would send none.
    call.emit("error", toServerError(by, error));
  }
}

function drained(call: Writable): Promise<void> {
  return firstEvent(call, ["drain", "cancelled"]);
}

function toServerError({ grpc, codec }: Adapting, error: unknown) {
  const { code, message, trailer } = encodeError(error, codec);
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(trailer)) metadata.set(name, value);
  return { code, details: message, metadata };
}

function bind(grpc: Grpc, server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error === null) resolve();
    else reject(error);
  });
  return promise;
}

/** A socket that nobody answers on is what a killed daemon left. */
async function removeStaleSocket(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(path);
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  const answered = await promise;
  socket.destroy();
  if (answered) throw conflict(`another process serves ${path}`);
  rmSync(path, { force: true });
}
