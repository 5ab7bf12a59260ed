// --tls, --tlsverify and their files. Clients are trusted by the given authority alone, never by those that the machine trusts.

import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { invalid } from "#base/errors.ts";
import type { TlsSettings } from "#spec/daemon-settings.ts";
import type { TlsFiles } from "#transport/http/server.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined without TLS. Throws `invalid`. */
export function readTlsFiles(tls: TlsSettings | undefined, env: Environment): TlsFiles | undefined {
  if (tls?.enabled !== true) return undefined;
  const folder = env.DOCKER_CERT_PATH || env.DOCKER_CONFIG || join(homedir(), ".docker");
  const certFile = tls.certFile || join(folder, "cert.pem");
  const keyFile = tls.keyFile || join(folder, "key.pem");
  const files = {
    cert: read(certFile, `could not load X509 key pair (cert: "${certFile}", key: "${keyFile}")`),
    key: read(keyFile, `could not load X509 key pair (cert: "${certFile}", key: "${keyFile}")`),
    ...(tls.verify && { clientCa: readAuthority(tls.caFile || join(folder, "ca.pem")) }),
  };
  try {
    createSecureContext({ cert: files.cert, key: files.key });
  } catch (error) {
    throw invalid(
      `invalid TLS configuration: could not load X509 key pair (cert: "${certFile}", key: "${keyFile}"): ${messageOf(error)}`,
      { cause: error },
    );
  }
  return files;
}

/** Without a certificate in it Node would trust the machine's own authorities. */
function readAuthority(path: string): string {
  if (!existsSync(path))
    throw invalid(`invalid TLS configuration: --tlsverify needs --tlscacert: no file ${path}`);
  const text = read(path, `could not read CA certificate "${path}"`);
  try {
    if (new X509Certificate(text).ca) return text;
  } catch (error) {
    throw invalid(`invalid TLS configuration: failed to append certificates from PEM file: "${path}"`, {
      cause: error,
    });
  }
  throw invalid(`invalid TLS configuration: the certificate in "${path}" is not one of an authority`);
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw invalid(`invalid TLS configuration: ${what}: open ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error && error.code === "ENOENT"
    ? "no such file or directory"
    : messageOf(error);
