// Signatures of images by key, as cosign and skopeo put them beside the image: under the tag sha256-HEX.sig of its repository lies a
// manifest whose layers are small documents that name the image's digest; a layer's annotation is the signature of its bytes.

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { literal, object, string } from "#base/decode.ts";
import { EngineError, invalid, isKind } from "#base/errors.ts";
import { parseDigest } from "#formats/digest.ts";
import { canonicalName, formatReference, parseReference, type Reference } from "#formats/reference.ts";
import { type Descriptor, decodeManifest, mediaTypes } from "#spec/oci-image.ts";
import type { Requirement, SignedBy, SignedIdentity } from "#spec/signature-policy.ts";
import type { RepositoryChain } from "./repository-chain.ts";

/** A signed document, of whoever it may be. */
interface Signature {
  readonly payload: Buffer;
  readonly signature: Buffer;
}

const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION = "dev.cosignproject.cosign/signature";
/** Of one image; further ones are not looked at. */
const MOST = 32;

const rejected = (reason: string, options?: ErrorOptions): EngineError =>
  new EngineError("forbidden", `Source image rejected: ${reason}`, options);

type SignedRepository = Pick<RepositoryChain, "reference" | "getManifest" | "getDocument">;

/** Rejects `forbidden` if what the digest names does not meet them all; nothing is asked of the registry where none wants a signature. */
export async function checkSignatures(
  repository: SignedRepository,
  digest: string,
  requirements: readonly Requirement[],
  signal: AbortSignal,
): Promise<void> {
  const name = formatReference(repository.reference);
  if (requirements.some(({ type }) => type === "reject"))
    throw rejected(`Running image docker://${name} is rejected by policy.`);
  const wanted = requirements.filter((requirement) => requirement.type === "sigstoreSigned");
  if (wanted.length === 0) return;
  const signatures = await fetchSignatures(repository, digest, signal);
  if (signatures.length === 0) throw rejected("A signature was required, but no signature exists");
  for (const requirement of wanted) await checkOne(requirement, signatures, repository.reference, digest);
}

async function checkOne(
  requirement: SignedBy,
  signatures: readonly Signature[],
  reference: Reference,
  digest: string,
): Promise<void> {
  const texts = [
    ...requirement.keys,
    ...(await Promise.all(requirement.keyPaths.map((path) => readFile(path, "utf8")))),
  ];
  const keys = texts.map(readKey);
  const reasons = signatures.map((signature) => whyNot(signature, keys, { requirement, reference, digest }));
  if (!reasons.includes(undefined)) throw rejected(reasons.join("; "));
}

/** PEM. Throws if it is no public key of an elliptic curve. */
export function readKey(text: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw invalid("what an image must be signed by is no public key in PEM", { cause });
  }
  if (key.asymmetricKeyType !== "ec")
    throw invalid(
      `an image must be signed by a key for ${key.asymmetricKeyType}: only ECDSA is supported by this version of Gantry`,
    );
  return key;
}

const payload = object(
  {
    critical: object(
      {
        type: literal("cosign container image signature"),
        image: object({ "docker-manifest-digest": string }, {}),
        identity: object({ "docker-reference": string }, {}),
      },
      {},
    ),
  },
  {},
);

interface Expected {
  readonly requirement: SignedBy;
  readonly reference: Reference;
  readonly digest: string;
}

/** undefined: it is what was required. */
function whyNot(
  { payload: bytes, signature }: Signature,
  keys: readonly KeyObject[],
  { requirement, reference, digest }: Expected,
): string | undefined {
  if (!keys.some((key) => verify("sha256", bytes, key, signature)))
    return "cryptographic signature verification failed: invalid signature when validating ASN.1 encoded signature";
  let signed: ReturnType<typeof payload>["critical"];
  try {
    signed = payload(JSON.parse(bytes.toString()), "").critical;
  } catch {
    return "what was signed is no simple signing document";
  }
  const { image, identity } = signed;
  if (image["docker-manifest-digest"] !== digest)
    return `Signature for digest ${image["docker-manifest-digest"]} was used for ${digest}`;
  const named = identity["docker-reference"];
  return isIdentity(requirement.identity, named, reference)
    ? undefined
    : `Signature for identity ${JSON.stringify(named)} is not accepted`;
}

function isIdentity(wanted: SignedIdentity, named: string, intended: Reference): boolean {
  if (wanted.type === "as-signed") return true;
  if (wanted.type === "exactReference") return sameText(named, wanted.reference);
  const found = parsed(named);
  if (found === undefined) return false;
  if (wanted.type === "exactRepository") return canonicalName(found) === repositoryOf(wanted.repository);
  const same = canonicalName(found) === canonicalName(intended);
  if (wanted.type === "matchRepository") return same;
  if (wanted.type === "matchRepoDigestOrExact" && intended.digest !== undefined) return same;
  return intended.digest === undefined && intended.tag !== undefined && same && found.tag === intended.tag;
}

function parsed(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

function sameText(one: string, other: string): boolean {
  const [left, right] = [parsed(one), parsed(other)];
  return left !== undefined && right !== undefined && formatReference(left) === formatReference(right);
}

function repositoryOf(text: string): string | undefined {
  const reference = parsed(text);
  return reference === undefined ? undefined : canonicalName(reference);
}

async function fetchSignatures(
  repository: SignedRepository,
  digest: string,
  signal: AbortSignal,
): Promise<readonly Signature[]> {
  const { algorithm, encoded } = parseDigest(digest);
  let bytes: Buffer;
  try {
    const found = await repository.getManifest(`${algorithm}-${encoded}.sig`, signal);
    if (found.descriptor.mediaType !== mediaTypes.ociManifest) return [];
    ({ bytes } = found);
  } catch (error) {
    if (isKind(error, "notFound")) return [];
    throw error;
  }
  const signed = layersOf(bytes)
    .filter(({ mediaType }) => mediaType === PAYLOAD_TYPE)
    .slice(0, MOST);
  return await Promise.all(
    signed.map(async (layer) => ({
      payload: await repository.getDocument(layer.digest, signal),
      signature: Buffer.from(layer.annotations?.[ANNOTATION] ?? "", "base64"),
    })),
  );
}

function layersOf(manifest: Buffer): readonly Descriptor[] {
  try {
    return decodeManifest(JSON.parse(manifest.toString()), "").layers;
  } catch (cause) {
    throw rejected("the manifest of its signatures cannot be read", { cause });
  }
}
