// A generated service description -> the functions that serve it and that call it.

import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

type MethodShape = Pick<DescMethod, "input" | "output" | "methodKind">;
export type ServiceShape = Omit<DescService, "method"> & {
  readonly method: Readonly<Record<string, MethodShape & DescMethod>>;
};

/** One call as its handler sees it. */
export interface GrpcCall {
  /** A value of the client's metadata, undefined if it sent none. */
  metadata(name: string): string | undefined;
  /** Aborts when the client cancels or hangs up. */
  readonly signal: AbortSignal;
}

type Answer<O extends DescMessage> = Promise<MessageInitShape<O>>;
type Answers<O extends DescMessage> = AsyncIterable<MessageInitShape<O>>;

type MethodHandler<M extends MethodShape> = M["methodKind"] extends "unary"
  ? (request: MessageShape<M["input"]>, call: GrpcCall) => Answer<M["output"]>
  : M["methodKind"] extends "server_streaming"
    ? (request: MessageShape<M["input"]>, call: GrpcCall) => Answers<M["output"]>
    : (requests: AsyncIterable<MessageShape<M["input"]>>, call: GrpcCall) => Answers<M["output"]>;

/** Methods left out answer "unimplemented". */
export type ServiceHandlers<S extends ServiceShape> = {
  readonly [K in keyof S["method"]]?: MethodHandler<S["method"][K]>;
};

export interface CallOptions {
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Asks again when the server is gone and back, until `signal` aborts: for questions that change nothing. */
  readonly lasting?: boolean;
}

/** Both directions of a call that streams both ways; disposing it cancels it. */
export interface DuplexCall<I extends DescMessage, O extends DescMessage> extends Disposable {
  /** Resolves when more may be sent. */
  send(message: MessageInitShape<I>): Promise<void>;
  end(): void;
  readonly answers: AsyncIterator<MessageShape<O>>;
}

type MethodCaller<M extends MethodShape> = M["methodKind"] extends "unary"
  ? (request: MessageInitShape<M["input"]>, options: CallOptions) => Promise<MessageShape<M["output"]>>
  : M["methodKind"] extends "server_streaming"
    ? (
        request: MessageInitShape<M["input"]>,
        options: CallOptions,
      ) => AsyncIterable<MessageShape<M["output"]>>
    : (options: CallOptions) => Promise<DuplexCall<M["input"], M["output"]>>;

export type ServiceCallers<S extends ServiceShape> = {
  readonly [K in keyof S["method"]]: MethodCaller<S["method"][K]>;
};
