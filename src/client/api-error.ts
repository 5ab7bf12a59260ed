// What goes wrong between a client and a daemon.

import { isRecord } from "#base/decode.ts";

/** The daemon answered with an error; the message is what the user reads. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The daemon could not be reached; nothing was asked of it. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** "ENOENT", "ECONNREFUSED", … */
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const UNREACHABLE = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK", "ENOTFOUND", "ETIMEDOUT", "EHOSTUNREACH"]);

/** Docker's words for a failed connection; any other error is returned as it is. */
export function connectionError(error: unknown, host: string): unknown {
  const code = codeOf(error);
  if (UNREACHABLE.has(code))
    return new ConnectionError(
      `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running?`,
      code,
      error,
    );
  if (code === "EACCES" || code === "EPERM")
    return new ConnectionError(
      `permission denied while trying to connect to the Docker daemon socket at ${host}`,
      code,
      error,
    );
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code))
    return new ConnectionError(
      `error during connect: ${error instanceof Error ? error.message : String(error)}`,
      code,
      error,
    );
  return error;
}

/** The message of an error body: Docker's JSON, or plain text of a proxy. */
export function messageOf(body: string, status: number, path: string): string {
  const text = body.trim();
  if (text === "")
    return `request returned ${status} for API route and version ${path}, check if the server supports the requested API version`;
  try {
    const parsed: unknown = JSON.parse(text);
    if (isRecord(parsed) && typeof parsed.message === "string") return parsed.message;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text;
}
