// Whose images may be pulled: containers-policy.json(5), as podman, skopeo and CRI-O read it, for registries and signatures by key.
//
//   { "default": [REQUIREMENT, …], "transports": { "docker": { SCOPE: [REQUIREMENT, …] } } }
//
// A scope is HOST/NAME:TAG, HOST/NAME@DIGEST, HOST/NAME, a namespace above it, HOST, *.DOMAIN, or "". The most specific one that fits
// counts, alone; all of its requirements must be met.

import { array, DecodeError, type Decoder, isRecord, literal, object, record, string } from "#base/decode.ts";
import { unsupported } from "#base/errors.ts";
import { canonicalName, formatReference, type Reference } from "#formats/reference.ts";

/** What a signature must say that it is for. `as-signed`: the digest is enough, as for `cosign verify`. */
export type SignedIdentity =
  | { readonly type: "as-signed" | "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly reference: string }
  | { readonly type: "exactRepository"; readonly repository: string };

/** One of the keys must have signed. */
export interface SignedBy {
  readonly type: "sigstoreSigned";
  /** Files with a public key, PEM. */
  readonly keyPaths: readonly string[];
  /** Public keys, PEM. */
  readonly keys: readonly string[];
  readonly identity: SignedIdentity;
}

export type Requirement = SignedBy | { readonly type: "insecureAcceptAnything" | "reject" };
type Requirements = readonly Requirement[];

export interface SignaturePolicy {
  readonly fallback: Requirements;
  readonly scopes: ReadonlyMap<string, Requirements>;
}

const identityFields = object({ type: string }, { dockerReference: string, dockerRepository: string });

const identity: Decoder<SignedIdentity> = (value, path) => {
  const { type, dockerReference = "", dockerRepository = "" } = identityFields(value, path);
  if (type === "exactReference") return { type, reference: dockerReference };
  if (type === "exactRepository") return { type, repository: dockerRepository };
  if (type === "remapIdentity") throw unsupported(`${path}.type ${type}`);
  return { type: literal("matchExact", "matchRepoDigestOrExact", "matchRepository")(type, `${path}.type`) };
};

const signedFields = object(
  { type: string },
  {
    keyPath: string,
    keyPaths: array(string),
    keyData: string,
    keyDatas: array(string),
    signedIdentity: identity,
  },
);
const signedNames = new Set(["type", "keyPath", "keyPaths", "keyData", "keyDatas", "signedIdentity"]);

const requirement: Decoder<Requirement> = (value, path) => {
  if (!isRecord(value)) throw new DecodeError(path, "object", value);
  const { type } = value;
  if (type === "insecureAcceptAnything" || type === "reject") return { type };
  if (type !== "sigstoreSigned") throw unsupported(`${path}.type ${JSON.stringify(type)}`);
  const unknown = Object.keys(value).find((name) => !signedNames.has(name));
  if (unknown !== undefined) throw unsupported(`${path}.${unknown}`);
  const { keyPath, keyPaths = [], keyData, keyDatas = [], signedIdentity } = signedFields(value, path);
  const paths = [...(keyPath === undefined ? [] : [keyPath]), ...keyPaths];
  const keys = [...(keyData === undefined ? [] : [keyData]), ...keyDatas].map((text) =>
    Buffer.from(text, "base64").toString(),
  );
  if (paths.length + keys.length === 0) throw new DecodeError(path, "a key", value);
  return { type, keyPaths: paths, keys, identity: signedIdentity ?? { type: "matchRepoDigestOrExact" } };
};

const requirements: Decoder<Requirements> = (value, path) => {
  const found = array(requirement)(value, path);
  if (found.length === 0) throw new DecodeError(path, "a requirement", value);
  return found;
};

const document = object({ default: requirements }, { transports: record(record((value) => value)) });

/** Throws DecodeError, or `unsupported` for what is known and not done here. Other transports than "docker" are not looked at. */
export const decodeSignaturePolicy: Decoder<SignaturePolicy> = (value, path) => {
  const { default: fallback, transports = {} } = document(value, path);
  const scopes = Object.entries(transports.docker ?? {}).map(
    ([scope, wanted]) =>
      [scope, requirements(wanted, `transports.docker[${JSON.stringify(scope)}]`)] as const,
  );
  return { fallback, scopes: new Map(scopes) };
};

/** From the most specific one on. */
function scopesOf(reference: Reference): readonly string[] {
  const name = canonicalName(reference);
  const parts = name.split("/");
  const above = parts.map((_part, index) => parts.slice(0, parts.length - index).join("/"));
  const [host = ""] = reference.domain.split(":"); // a wildcard stands for every port
  const labels = host.split(".");
  const wildcards = labels.slice(1).map((_label, index) => `*.${labels.slice(index + 1).join(".")}`);
  return [formatReference(reference), ...above, ...wildcards, ""];
}

/** What an image must meet under the name that it is pulled by. */
export function requirementsFor(policy: SignaturePolicy, reference: Reference): Requirements {
  const scope = scopesOf(reference).find((one) => policy.scopes.has(one));
  return (scope === undefined ? undefined : policy.scopes.get(scope)) ?? policy.fallback;
}
