// Pulling an image with the user's credentials: of `pull`, and of `run` when the image is not here.

import { execFile } from "node:child_process";
import { claimed, isRecord } from "#base/decode.ts";
import type { ProgressMessage } from "#client/images.ts";
import { canonicalName, parseReference, type Reference, withDefaultTag } from "#formats/reference.ts";
import type { Session } from "./session.ts";
import type { Credentials } from "./settings.ts";

const HUB = "https://index.docker.io/v1/";
const serverOf = (reference: Reference): string =>
  reference.domain === "docker.io" ? HUB : reference.domain;

/** Asks docker-credential-NAME, which answers JSON; nothing stored is no error. A missing helper is one. */
function askHelper(name: string, server: string): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`invalid credential helper name: ${name}`);
  const { promise, resolve, reject } = Promise.withResolvers<Credentials | undefined>();
  const child = execFile(`docker-credential-${name}`, ["get"], (error, stdout) => {
    if (error === null) {
      const answer: unknown = JSON.parse(stdout);
      const fields = isRecord(answer) ? answer : {};
      return resolve({ username: String(fields.Username ?? ""), password: String(fields.Secret ?? "") });
    }
    if (stdout.includes("credentials not found")) return resolve(undefined);
    reject(
      new Error(`error getting credentials - err: ${error.message}, out: \`${stdout.trim()}\``, {
        cause: error,
      }),
    );
  });
  child.stdin?.on("error", () => undefined); // the helper is missing: execFile tells
  child.stdin?.end(server);
  return promise;
}

function fromFile(entry: Credentials): Credentials {
  if (entry.auth === undefined || entry.auth === "") return entry;
  const text = Buffer.from(entry.auth, "base64").toString();
  const colon = text.indexOf(":");
  return { ...entry, username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

const hostOf = (server: string): string => server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

async function credentialsFor(session: Session, server: string): Promise<Credentials | undefined> {
  const { settings } = session;
  const helper = settings.credHelpers?.[hostOf(server)] ?? settings.credsStore;
  if (helper !== undefined && helper !== "") return await askHelper(helper, server);
  const found = Object.entries(settings.auths ?? {}).find(
    ([name]) => name === server || (server !== HUB && hostOf(name) === server),
  );
  return found === undefined ? undefined : fromFile(found[1]);
}

/** The value of X-Registry-Auth. */
async function registryAuth(session: Session, reference: Reference): Promise<string> {
  const server = serverOf(reference);
  const found = await credentialsFor(session, server);
  const fields =
    found === undefined
      ? {}
      : {
          username: found.username ?? "",
          password: found.password ?? "",
          ...(found.identitytoken === undefined ? {} : { identitytoken: found.identitytoken }),
          serveraddress: server,
        };
  return Buffer.from(JSON.stringify(claimed<object>(fields))).toString("base64url");
}

export interface PullOptions {
  readonly platform?: string;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
}

/** The stream of the daemon's messages. Throws in Docker's words if `name` is no reference. */
export async function pullImage(
  session: Session,
  name: string,
  options: PullOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const reference = options.allTags === true ? parseReference(name) : withDefaultTag(parseReference(name));
  const engine = await session.engine(signal);
  const auth = await registryAuth(session, reference);
  const tag = reference.digest ?? reference.tag;
  const image = {
    name: familiarOrCanonical(reference),
    ...(tag === undefined ? {} : { tag }),
    ...(options.platform === undefined || options.platform === "" ? {} : { platform: options.platform }),
  };
  return engine.images.pull(image, auth, signal);
}

/** What Docker's client sends: the repository as it is shown. */
const familiarOrCanonical = (reference: Reference): string =>
  canonicalName(reference).replace(/^docker\.io\/library\//, "");
