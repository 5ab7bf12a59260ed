// Errors <-> gRPC statuses. The kind also travels in a trailer, so that our own client loses nothing.

import { EngineError, type ErrorKind } from "#base/errors.ts";

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  readonly trailer: Readonly<Record<string, string>>;
}

/** Adds to the table below errors that other layers define. */
export interface ErrorCodec {
  readonly encode: (error: unknown) => GrpcStatus | undefined;
  readonly decode: (status: GrpcStatus) => Error | undefined;
}

const code = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const codeOf: Readonly<Record<ErrorKind, number>> = {
  invalid: code.invalidArgument,
  unauthorized: code.unauthenticated,
  forbidden: code.permissionDenied,
  notFound: code.notFound,
  conflict: code.failedPrecondition,
  notModified: code.failedPrecondition,
  unavailable: code.unavailable,
  unsupported: code.unimplemented,
  tooLarge: code.resourceExhausted,
  outOfRange: code.outOfRange,
  system: code.unknown,
};

/** containerd's convention: the code's name ends the message. It tells apart what has one kind here. */
const codeOfSuffix: readonly (readonly [string, number])[] = [
  ["already exists", code.alreadyExists],
  ["failed precondition", code.failedPrecondition],
];

const kindOf: Readonly<Record<number, ErrorKind>> = {
  [code.invalidArgument]: "invalid",
  [code.deadlineExceeded]: "unavailable",
  [code.notFound]: "notFound",
  [code.alreadyExists]: "conflict",
  [code.permissionDenied]: "forbidden",
  [code.resourceExhausted]: "tooLarge",
  [code.failedPrecondition]: "conflict",
  [code.outOfRange]: "outOfRange",
  [code.unimplemented]: "unsupported",
  [code.unavailable]: "unavailable",
  [code.unauthenticated]: "unauthorized",
};

const kindTrailer = "gantry-error-kind";

export function encodeError(error: unknown, codec: ErrorCodec | undefined): GrpcStatus {
  const known = codec?.encode(error);
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EngineError) {
    const special = codeOfSuffix.find(([suffix]) => message.endsWith(suffix))?.[1];
    return { code: special ?? codeOf[error.kind], message, trailer: { [kindTrailer]: error.kind } };
  }
  const isAbort = error instanceof Error && error.name === "AbortError";
  return { code: isAbort ? code.cancelled : code.internal, message, trailer: {} };
}

export function decodeError(status: GrpcStatus, codec: ErrorCodec | undefined): Error {
  const known = codec?.decode(status);
  if (known !== undefined) return known;
  const told = status.trailer[kindTrailer] ?? "";
  const kind = isErrorKind(told) ? told : (kindOf[status.code] ?? "system");
  return new EngineError(kind, status.message);
}

/** False for what the library itself tells of a call whose connection was lost or whose server shut down. */
export const isFromPeer = ({ code: told, trailer }: GrpcStatus): boolean =>
  kindTrailer in trailer || (told !== code.unavailable && told !== code.cancelled);

const isErrorKind = (text: string): text is ErrorKind => Object.hasOwn(codeOf, text);
