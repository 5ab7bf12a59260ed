// The user's configuration file (config.json of DOCKER_CONFIG, ~/.docker): what this client understands of it.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Decoded, isRecord, object, record, string } from "#base/decode.ts";
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
    HttpHeaders: record(string),
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

/** Sets keys of the file, or removes those that are undefined; what we do not know of it stays. */
export function changeSettings(folder: string, changes: Readonly<Record<string, unknown>>): void {
  const path = join(folder, "config.json");
  const text = readText(path) ?? "";
  const before: unknown = text.trim() === "" ? {} : JSON.parse(text);
  const unfinished = `${path}.${process.pid}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(unfinished, JSON.stringify({ ...(isRecord(before) ? before : {}), ...changes }, null, "\t"), {
    mode: 0o600,
  });
  renameSync(unfinished, path);
}
