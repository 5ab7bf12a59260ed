// Why ports of the host cannot be published, in Docker's words.

import { systemError } from "#base/errors.ts";
import type { PortMapping } from "../controller.ts";
import { PortTakenError, withBrackets } from "./port-book.ts";

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** Another process of the host has a port of a range: as bind(2) fails. */
export class UsedError extends Error {
  override readonly name = "UsedError";
  readonly code = "EADDRINUSE";
  /** How far in the range it is. */
  readonly offset: number;

  constructor(offset: number) {
    super("EADDRINUSE");
    this.offset = offset;
  }
}

export interface Attempt {
  /** How many ports were tried. */
  readonly tried: number;
  /** Where the first address would have led. */
  readonly containerAddress: string;
}

/** The error itself if it is none of binding. */
export function describeFailure(mapping: PortMapping, error: unknown, attempt: Attempt): unknown {
  if (attempt.tried > 1) return systemError("all ports are allocated", { cause: error });
  if (error instanceof PortTakenError) return systemError(error.message, { cause: error });
  const reason = reasons[codeOf(error)];
  if (reason === undefined) return error;
  const offset = error instanceof UsedError ? error.offset : 0;
  const hostIp = mapping.hostIp === "" ? "0.0.0.0" : mapping.hostIp;
  const host = `${withBrackets(hostIp)}:${mapping.hostPort + offset}`;
  const container = `${withBrackets(attempt.containerAddress)}:${mapping.containerPort + offset}/${mapping.proto}`;
  return systemError(`failed to bind host port for ${host}:${container}: ${reason}`, { cause: error });
}
