// Errors of this layer end in the words of containerd's gRPC codes, as its clients print and match them.

import { EngineError } from "#base/errors.ts";

export const missing = (what: string): EngineError => new EngineError("notFound", `${what}: not found`);
export const alreadyExists = (what: string): EngineError =>
  new EngineError("conflict", `${what}: already exists`);
export const failedPrecondition = (what: string): EngineError =>
  new EngineError("conflict", `${what}: failed precondition`);
export const invalidArgument = (what: string): EngineError =>
  new EngineError("invalid", `${what}: invalid argument`);
export const notImplemented = (what: string): EngineError =>
  new EngineError("unsupported", `${what}: not implemented`);

/** The code of a failed system call, "" for anything else. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
