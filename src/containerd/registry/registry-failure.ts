// A registry's refusals in Docker's words.

import type { IncomingMessage } from "node:http";
import { EngineError, type ErrorKind, systemError } from "#base/errors.ts";
import { familiarName, familiarReference, type Reference } from "#formats/reference.ts";
import { formatRegistryError, parseRegistryErrors, type RegistryError } from "#spec/distribution.ts";
import { readBody } from "./http-transport.ts";
import { parseRetryAfter, TransientError } from "./retry.ts";

/** What a registry said no to, with its own words in `told`. */
export class RegistryRefusal extends EngineError {
  /** "MANIFEST_UNKNOWN" */
  readonly code: string;
  readonly told: string;

  constructor(kind: ErrorKind, message: string, error: RegistryError) {
    super(kind, message);
    this.code = error.code;
    this.told = formatRegistryError(error);
  }
}

const MAX_ERROR_BODY = 64 << 10;
/** Trouble that passes. */
const PASSING = new Set([408, 500, 502, 503, 504]);

/** The error that an answer other than success stands for; reads the answer's body. */
export async function registryFailure(
  response: IncomingMessage,
  translate: (error: RegistryError) => EngineError = refused,
): Promise<EngineError> {
  const body = (await readBody(response, MAX_ERROR_BODY)).toString();
  const [error] = parseRegistryErrors(body);
  const { statusCode = 0, statusMessage = "" } = response;
  const told = describe(error, translate, statusCode, statusMessage);
  const waitMs = parseRetryAfter(response.headers["retry-after"] ?? "", Date.now());
  if (waitMs !== undefined && (statusCode === 429 || PASSING.has(statusCode)))
    return new TransientError(told.message, { waitMs });
  return PASSING.has(statusCode) ? new TransientError(told.message) : told;
}

function describe(
  error: RegistryError | undefined,
  translate: (error: RegistryError) => EngineError,
  status: number,
  text: string,
): EngineError {
  if (error !== undefined) return translate(error);
  if (status === 401) return systemError("unauthorized: authentication required");
  return systemError(`received unexpected HTTP status: ${status} ${text}`);
}

const refused = (error: RegistryError): EngineError =>
  new RegistryRefusal("system", formatRegistryError(error), error);

/** A refusal for want of credentials is status 500, as with dockerd: at 401 the client would ask for a password and try again. */
export const pullRefused =
  (reference: Reference) =>
  (error: RegistryError): EngineError => {
    const text = formatRegistryError(error);
    switch (error.code) {
      case "DENIED":
        return new RegistryRefusal(
          "notFound",
          `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${text}`,
          error,
        );
      case "MANIFEST_UNKNOWN":
        return new RegistryRefusal(
          "notFound",
          `manifest for ${familiarReference(reference)} not found: ${text}`,
          error,
        );
      case "NAME_UNKNOWN":
        return new RegistryRefusal(
          "notFound",
          `repository ${familiarName(reference)} not found: ${text}`,
          error,
        );
      default:
        return refused(error);
    }
  };
