// What the user shows to a registry: from the configuration file, or from a credential helper that it names.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { object, string } from "#base/decode.ts";
import type { Reference } from "#formats/reference.ts";
import type { Credentials, Settings } from "./settings.ts";

const HUB = "https://index.docker.io/v1/";
/** A helper's user name for a secret that is an identity token. */
const TOKEN_USER = "<token>";

export interface CredentialSource {
  readonly settings: Settings;
  /** What a helper is run with. */
  readonly surroundings: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** The registry's name in the configuration file. */
export const serverOf = (reference: Reference): string =>
  reference.domain === "docker.io" ? HUB : reference.domain;

const helperAnswer = object({}, { Username: string, Secret: string });

const outputOf = (error: unknown): string =>
  error instanceof Error && "stdout" in error ? String(error.stdout).trim() : "";

/** Asks docker-credential-NAME, which answers JSON; nothing stored is no error. A missing helper is one. */
async function askHelper(
  { surroundings: { env } }: CredentialSource,
  name: string,
  server: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`invalid credential helper name: ${name}`);
  try {
    const running = promisify(execFile)(`docker-credential-${name}`, ["get"], { env, signal });
    running.child.stdin?.on("error", () => undefined); // it is missing, or has not read: its exit tells
    running.child.stdin?.end(server);
    const { Username = "", Secret = "" } = helperAnswer(JSON.parse((await running).stdout), "");
    return Username === TOKEN_USER ? { identitytoken: Secret } : { username: Username, password: Secret };
  } catch (error) {
    const output = outputOf(error);
    if (output.includes("credentials not found")) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`error getting credentials - err: ${message}, out: \`${output}\``, { cause: error });
  }
}

function fromFile(entry: Credentials): Credentials {
  if (entry.auth === undefined || entry.auth === "") return entry;
  const text = Buffer.from(entry.auth, "base64").toString();
  const colon = text.indexOf(":");
  return { ...entry, username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

const hostOf = (server: string): string => server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

/** undefined when the user has none for `server`. */
export async function credentialsFor(
  source: CredentialSource,
  server: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const { settings } = source;
  const helper = settings.credHelpers?.[hostOf(server)] ?? settings.credsStore;
  if (helper !== undefined && helper !== "") return await askHelper(source, helper, server, signal);
  const found = Object.entries(settings.auths ?? {}).find(
    ([name]) => name === server || (server !== HUB && hostOf(name) === server),
  );
  return found === undefined ? undefined : fromFile(found[1]);
}
