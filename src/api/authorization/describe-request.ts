// What an authorization plugin is told of a request and of its answer.

import type { IncomingHttpHeaders } from "node:http";
import { systemError } from "#base/errors.ts";
import type { HttpExchange } from "#transport/http/exchange.ts";
import { type BodyBudget, readBytes } from "../body.ts";
import type { AuthorizationRequest } from "./plugins.ts";

/** The largest body that a plugin is shown; Docker's own. */
const maxShown = 4 * 1024 * 1024;

const secret = ["authorization", "x-registry-config", "x-registry-auth"];

const isJson = (contentType: string | undefined): boolean =>
  (contentType ?? "").split(";")[0]?.trim().toLowerCase() === "application/json";

/** Credentials for a registry are nobody's business. */
const isLogin = (url: string): boolean => /^\/(v\d[\d.]*\/)?auth/.test(url);

export interface DescribedRequest {
  readonly request: AuthorizationRequest;
  /** What was read of the body, if it is shown: all of it. */
  readonly body?: Uint8Array;
}

/** Reads the body when a plugin sees it. Rejects if it is too large for that. */
export async function describeRequest(exchange: HttpExchange, budget: BodyBudget): Promise<DescribedRequest> {
  const { method, url, headers } = exchange;
  const certificates = exchange.peerCertificates();
  const shown = exchange.bodyLength !== 0 && isJson(headers["content-type"]) && !isLogin(url);
  const body = shown ? await readBytes(exchange.body, { limit: maxShown, tooLarge, budget }) : undefined;
  const [first] = certificates;
  return {
    request: {
      ...(first !== undefined && { User: commonName(first.subject), UserAuthNMethod: "TLS" }),
      RequestMethod: method,
      RequestUri: url,
      ...(body !== undefined && body.length > 0 && { RequestBody: base64(body) }),
      RequestHeaders: showHeaders(headers),
      ...(first !== undefined && {
        RequestPeerCertificates: certificates.map((certificate) =>
          base64(Buffer.from(certificate.toString())),
        ),
      }),
    },
    ...(body !== undefined && { body }),
  };
}

const tooLarge = (): Error =>
  systemError(`request body too large for authorization plugin: size exceeds ${maxShown} bytes`);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A subject's lines are "CN=name"; the last one counts. */
const commonName = (subject: string): string => [...subject.matchAll(/^CN=(.*)$/gm)].at(-1)?.[1] ?? "";

/** In the spelling that Go gives them: "Content-Type". */
function showHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const shown = Object.entries(headers)
    .filter(([name]) => !secret.includes(name))
    .map(([name, value]) => [canonical(name), Array.isArray(value) ? (value.at(-1) ?? "") : (value ?? "")]);
  return Object.fromEntries(shown);
}

const canonical = (name: string): string =>
  name.replace(/(^|-)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
