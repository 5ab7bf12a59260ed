// What the user shows to a registry: from the configuration file, or from a credential helper that it names.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { object, string } from "#base/decode.ts";
import type { Reference } from "#formats/reference.ts";
import { type Credentials, changeSettings, type Settings } from "./settings.ts";

/** Docker Hub's name in the configuration file. */
export const HUB = "https://index.docker.io/v1/";
/** A helper's user name for a secret that is an identity token. */
const TOKEN_USER = "<token>";
const NOT_FOUND = "credentials not found";

export interface CredentialSource {
  readonly settings: Settings;
  /** What a helper is run with. */
  readonly surroundings: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** The registry's name in the configuration file. */
export const serverOf = (reference: Pick<Reference, "domain">): string =>
  reference.domain === "docker.io" ? HUB : reference.domain;

const helperAnswer = object({}, { Username: string, Secret: string });

const outputOf = (error: unknown): string =>
  error instanceof Error && "stdout" in error ? String(error.stdout).trim() : "";

/** Runs docker-credential-NAME VERB. Rejects with what it printed: its way to tell what is wrong. */
async function runHelper(
  { surroundings: { env } }: CredentialSource,
  name: string,
  { verb, input }: { readonly verb: "get" | "store" | "erase"; readonly input: string },
  signal: AbortSignal,
): Promise<string> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`invalid credential helper name: ${name}`);
  const running = promisify(execFile)(`docker-credential-${name}`, [verb], { env, signal });
  running.child.stdin?.on("error", () => undefined); // it is missing, or has not read: its exit tells
  running.child.stdin?.end(input);
  return (await running).stdout;
}

const failure = (doing: string, error: unknown): Error => {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`error ${doing} credentials - err: ${message}, out: \`${outputOf(error)}\``, {
    cause: error,
  });
};

/** Asks for what is stored; nothing is no error. A missing helper is one. */
async function askHelper(
  source: CredentialSource,
  name: string,
  server: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  try {
    const answer = await runHelper(source, name, { verb: "get", input: server }, signal);
    const { Username = "", Secret = "" } = helperAnswer(JSON.parse(answer), "");
    return Username === TOKEN_USER ? { identitytoken: Secret } : { username: Username, password: Secret };
  } catch (error) {
    if (outputOf(error).includes(NOT_FOUND)) return undefined;
    throw failure("getting", error);
  }
}

function fromFile(entry: Credentials): Credentials {
  if (entry.auth === undefined || entry.auth === "") return entry;
  const text = Buffer.from(entry.auth, "base64").toString();
  const colon = text.indexOf(":");
  return { ...entry, username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

/** "https://registry.example/v2/" is the registry registry.example. */
export const hostOf = (server: string): string => server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

const helperOf = (settings: Settings, server: string): string | undefined =>
  settings.credHelpers?.[hostOf(server)] ?? settings.credsStore;

/** undefined when the user has none for `server`. */
export async function credentialsFor(
  source: CredentialSource,
  server: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const { settings } = source;
  const helper = helperOf(settings, server);
  if (helper !== undefined && helper !== "") return await askHelper(source, helper, server, signal);
  const found = Object.entries(settings.auths ?? {}).find(
    ([name]) => name === server || (server !== HUB && hostOf(name) === server),
  );
  return found === undefined ? undefined : fromFile(found[1]);
}

/** Keeps credentials for `server`; false if that is in the configuration file, where all can read them who can read it. */
export async function storeCredentials(
  source: CredentialSource & { readonly connection: { readonly configFolder: string } },
  server: string,
  { username = "", password = "", identitytoken = "" }: Credentials,
  signal: AbortSignal,
): Promise<boolean> {
  const { settings, connection } = source;
  const helper = helperOf(settings, server);
  const change = (entry: Credentials): void =>
    changeSettings(connection.configFolder, { auths: { ...settings.auths, [server]: entry } });
  if (helper === undefined || helper === "") {
    const auth = Buffer.from(`${username}:${identitytoken === "" ? password : ""}`).toString("base64");
    change({ auth, ...(identitytoken !== "" && { identitytoken }) });
    return false;
  }
  const secret =
    identitytoken === ""
      ? { Username: username, Secret: password }
      : { Username: TOKEN_USER, Secret: identitytoken };
  const input = JSON.stringify({ ServerURL: server, ...secret });
  await runHelper(source, helper, { verb: "store", input }, signal).catch((error: unknown) => {
    throw failure("storing", error);
  });
  change({}); // that there are some
  return true;
}

/** Forgets what was kept under these names; resolves with what helpers could not do. */
export async function eraseCredentials(
  source: CredentialSource & { readonly connection: { readonly configFolder: string } },
  servers: readonly string[],
  signal: AbortSignal,
): Promise<readonly Error[]> {
  const { settings, connection } = source;
  const failures: Error[] = [];
  const auths: Record<string, Credentials> = { ...settings.auths };
  for (const server of servers) {
    const helper = helperOf(settings, server);
    if (helper !== undefined && helper !== "")
      await runHelper(source, helper, { verb: "erase", input: server }, signal).catch((error: unknown) => {
        if (!outputOf(error).includes(NOT_FOUND)) failures.push(failure("erasing", error));
      });
    delete auths[server];
  }
  if (servers.some((server) => server in (settings.auths ?? {})))
    changeSettings(connection.configFolder, { auths });
  return failures;
}
