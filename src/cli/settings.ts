// The user's configuration file (config.json of DOCKER_CONFIG, ~/.docker): what this client understands of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Decoded, object, record, string, unknown } from "#base/decode.ts";
import { codeOf } from "#client/api-error.ts";

const credentials = object(
  {},
  { auth: string, username: string, password: string, identitytoken: string, serveraddress: string },
);
export type Credentials = Decoded<typeof credentials>;

const proxies = object(
  {},
  { httpProxy: string, httpsProxy: string, noProxy: string, ftpProxy: string, allProxy: string },
);

const settings = object(
  {},
  {
    auths: record(credentials),
    credsStore: string,
    credHelpers: record(string),
    currentContext: string,
    detachKeys: string,
    psFormat: string,
    imagesFormat: string,
    volumesFormat: string,
    networksFormat: string,
    proxies: record(proxies),
  },
);
export type Settings = Decoded<typeof settings>;

/** A home that is not ours to read (HOME left over by setpriv or su) has no settings for us. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** Empty settings if there is no file. Throws an Error that names the file if it is not readable. */
export function readSettings(folder: string): Settings {
  const path = join(folder, "config.json");
  const text = readText(path);
  if (text === undefined || text.trim() === "") return {};
  try {
    return settings(JSON.parse(text), "");
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const context = object(
  {},
  { Endpoints: record(object({}, { Host: string, SkipTLSVerify: unknown })), Name: string },
);

export interface ContextEndpoint {
  readonly host: string;
  readonly skipVerify: boolean;
  /** Where ca.pem, cert.pem and key.pem of the context are, if it has any. */
  readonly tlsFolder: string;
}

/** The Docker endpoint of a stored context. Throws an Error in Docker's words. */
export function readContext(folder: string, name: string): ContextEndpoint {
  const { createHash } = process.getBuiltinModule("node:crypto"); // 5 ms that only contexts need
  const id = createHash("sha256").update(name).digest("hex");
  const text = readText(join(folder, "contexts", "meta", id, "meta.json"));
  const missing = `context "${name}": context not found`;
  if (text === undefined) throw new Error(missing);
  const endpoint = context(JSON.parse(text), "").Endpoints?.docker;
  if (endpoint?.Host === undefined) throw new Error(`docker endpoint for "${name}" not found`);
  return {
    host: endpoint.Host,
    skipVerify: endpoint.SkipTLSVerify === true,
    tlsFolder: join(folder, "contexts", "tls", id, "docker"),
  };
}
