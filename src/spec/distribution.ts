// The OCI distribution specification's documents: a registry's errors and tokens; and what users show to registries.

import { array, type Decoder, integer, isRecord, object, string } from "#base/decode.ts";

export interface RegistryError {
  readonly code: string;
  readonly message: string;
  /** The text that came as `detail`, or "". */
  readonly detail: string;
}

const one: Decoder<RegistryError> = (value, path) => {
  const { code = "", message = "" } = object({}, { code: string, message: string })(value, path);
  const detail = isRecord(value) ? value.detail : undefined;
  return { code, message, detail: typeof detail === "string" ? detail : "" };
};
const errorBody = object({ errors: array(one) }, {});

/** Empty when the body is something else. */
export function parseRegistryErrors(body: string): readonly RegistryError[] {
  try {
    return errorBody(JSON.parse(body), "").errors;
  } catch {
    return [];
  }
}

const tagList = object({}, { tags: array(string) });

/** The tags of one page of a tag list. */
export const decodeTags: Decoder<readonly string[]> = (value, path) => tagList(value, path).tags ?? [];

/** How Docker prints it: "manifest unknown: manifest unknown". */
export function formatRegistryError({ code, message, detail }: RegistryError): string {
  const name = code.toLowerCase().replaceAll("_", " ");
  const text = message === "" ? name : `${name}: ${message}`;
  return detail === "" ? text : `${text}: ${detail}`;
}

export interface RegistryToken {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** OAuth2 refresh token, Docker's identity token; "" if there is none. */
  readonly refreshToken: string;
}

const tokenBody = object(
  {},
  { token: string, access_token: string, expires_in: integer, refresh_token: string },
);

export const decodeToken: Decoder<RegistryToken> = (value, path) => {
  const body = tokenBody(value, path);
  // Docker treats shorter lives as a minute.
  return {
    token: body.token ?? body.access_token ?? "",
    expiresIn: Math.max(60, body.expires_in ?? 60),
    refreshToken: body.refresh_token ?? "",
  };
};

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** OAuth2 refresh token, used instead of the password. */
  readonly identityToken: string;
  /** A bearer token that the caller has got already. */
  readonly registryToken: string;
}
