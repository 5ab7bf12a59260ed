// Network failures in the words that Docker's users know: `Get "URL": dial tcp 127.0.0.1:5000: connect: connection refused`.

import { isRecord } from "#base/decode.ts";
import { TransientError } from "./retry.ts";

const connectTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ENETUNREACH: "connect: network is unreachable",
  EHOSTUNREACH: "connect: no route to host",
  ETIMEDOUT: "connect: connection timed out",
};

const tlsTexts: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is not valid for the registry's name",
};

/** The request could not be made, or its answer broke off. */
export class NetworkError extends TransientError {
  /** "dial tcp 127.0.0.1:5000: connect: connection refused" */
  readonly why: string;

  /** `proxy`: what it was to be made through. */
  constructor(method: string, url: string, cause: unknown, proxy?: URL) {
    const told = describeNetwork(cause);
    const why = proxy !== undefined && told.startsWith("dial ") ? `proxyconnect tcp: ${told}` : told;
    super(`${method.charAt(0)}${method.slice(1).toLowerCase()} "${url}": ${why}`, { cause });
    this.why = why;
  }
}

function describeNetwork(cause: unknown): string {
  const error = isRecord(cause) ? cause : {};
  const code = text(error.code);
  const tls = tlsTexts[code];
  if (tls !== undefined) return `tls: failed to verify certificate: ${tls}`;
  if (isPlainHttpAnswer(cause)) return "http: server gave HTTP response to HTTPS client";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `dial tcp: lookup ${text(error.hostname)}: no such host`;
  const connect = connectTexts[code];
  if (connect !== undefined) return `dial tcp ${text(error.address)}:${text(error.port)}: ${connect}`;
  if (code === "ERR_PROXY_TUNNEL") return describeTunnel(cause);
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") return "unexpected EOF";
  return cause instanceof Error ? firstOf(cause) : String(cause);
}

/** The proxy's own words, as Go's programs tell them. */
const describeTunnel = (cause: unknown): string => {
  const said = cause instanceof Error ? cause.message : "";
  if (said.includes("timed out")) return "i/o timeout";
  return / HTTP\/1\.[01] [0-9]{3} (.+)$/.exec(said)?.[1] ?? "the proxy gave no tunnel";
};

/** With several addresses node gives one error for each. */
const firstOf = (error: Error): string =>
  error instanceof AggregateError && error.errors.length > 0
    ? describeNetwork(error.errors[0])
    : error.message;

/** TLS was spoken to a server that does not. */
const isPlainHttpAnswer = (cause: unknown): boolean => {
  const code = isRecord(cause) ? text(cause.code) : "";
  return (
    code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG" || code === "EPROTO"
  );
};

const text = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";
