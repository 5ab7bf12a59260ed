// Errors the engine reports on purpose. Anything else that is thrown is a bug and becomes a 500.

export type ErrorKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "notFound"
  | "conflict"
  | "notModified"
  | "unavailable"
  | "unsupported"
  | "tooLarge"
  | "outOfRange"
  | "system";

/** `kind` decides the HTTP and gRPC code; `message` is what the user reads, in Docker's words. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export const notFound = (what: string, name: string): EngineError =>
  new EngineError("notFound", `No such ${what}: ${name}`);
export const invalid = (message: string, options?: ErrorOptions): EngineError =>
  new EngineError("invalid", message, options);
export const conflict = (message: string): EngineError => new EngineError("conflict", message);
export const notModified = (): EngineError => new EngineError("notModified", "");
/** A failure of the machine or of a peer that Docker reports with status 500. */
export const systemError = (message: string, options?: ErrorOptions): EngineError =>
  new EngineError("system", message, options);
/** An option that Gantry knows and does not support yet; the message names it. */
export const unsupported = (option: string): EngineError =>
  new EngineError("invalid", `${option} is not supported by this version of Gantry`);
export const isKind = (error: unknown, kind: ErrorKind): boolean =>
  error instanceof EngineError && error.kind === kind;
/** The same failure with what was attempted before its words. */
export const prefixed = (prefix: string, error: EngineError): EngineError =>
  new EngineError(error.kind, `${prefix}${error.message}`, { cause: error });
