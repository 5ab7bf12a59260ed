// Errors as HTTP answers: the one table of statuses.

import { DecodeError } from "#base/decode.ts";
import { EngineError, type ErrorKind } from "#base/errors.ts";

const statusOf: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  notModified: 304,
  unavailable: 503,
  unsupported: 501,
  tooLarge: 413,
  outOfRange: 400,
  system: 500,
};

export interface Failure {
  readonly status: number;
  readonly message: string;
}

export function toHttpFailure(error: unknown): Failure {
  if (error instanceof EngineError) return { status: statusOf[error.kind], message: error.message };
  if (error instanceof DecodeError) return { status: 400, message: `invalid JSON: ${error.message}` };
  return { status: 500, message: error instanceof Error ? error.message : String(error) };
}

/** A failure that nobody foresaw: worth a line in the daemon's log with its stack. */
export const isBug = (error: unknown): boolean =>
  !(error instanceof EngineError || error instanceof DecodeError) &&
  (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError);
