import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { EngineError, notFound } from "#base/errors.ts";
import { digestOf } from "#formats/digest.ts";
import { parseReference } from "#formats/reference.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import type { Requirement, SignedIdentity } from "#spec/signature-policy.ts";
import { checkSignatures } from "./signatures.ts";

const never = new AbortController().signal;
const image = digestOf("an image");
const makeKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = ({ publicKey }: ReturnType<typeof makeKey>): string =>
  publicKey.export({ type: "spki", format: "pem" }).toString();
const [ours, other] = [makeKey(), makeKey()];

const documentFor = (digest: string, reference: string, type = "cosign container image signature"): Buffer =>
  Buffer.from(
    JSON.stringify({
      critical: {
        type,
        image: { "docker-manifest-digest": digest },
        identity: { "docker-reference": reference },
      },
      optional: null,
    }),
  );

interface Signed {
  readonly payload: Buffer;
  readonly signature: Buffer;
}

const signed = (payload: Buffer, key = ours): Signed => ({
  payload,
  signature: sign("sha256", payload, key.privateKey),
});

/** A repository with these signatures of the image. */
function repositoryWith(name: string, signatures: readonly Signed[] | string) {
  const blobs = new Map<string, Buffer>();
  const manifest =
    typeof signatures === "string"
      ? signatures
      : JSON.stringify({
          config: { mediaType: "application/json", digest: digestOf("{}"), size: 2 },
          layers: signatures.map(({ payload, signature }) => {
            blobs.set(digestOf(payload), payload);
            return {
              mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
              digest: digestOf(payload),
              size: payload.length,
              annotations: { "dev.cosignproject.cosign/signature": signature.toString("base64") },
            };
          }),
        });
  return {
    reference: parseReference(name),
    getManifest: async (tag: string) => {
      if (tag !== image.replace(":", "-").concat(".sig") || signatures.length === 0)
        throw notFound("manifest", tag);
      const bytes = Buffer.from(manifest);
      return {
        bytes,
        descriptor: { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length },
      };
    },
    getDocument: async (digest: string) => blobs.get(digest) ?? Buffer.alloc(0),
  };
}

const byKey = (keys: readonly string[], identity: SignedIdentity): Requirement => ({
  type: "sigstoreSigned",
  keyPaths: [],
  keys,
  identity,
});
const anywhere: SignedIdentity = { type: "as-signed" };

/** "" if it is accepted. */
async function reasonAgainst(
  signatures: readonly Signed[] | string,
  requirements: readonly Requirement[],
  name = "r.example/app:1",
): Promise<string> {
  try {
    await checkSignatures(repositoryWith(name, signatures), image, requirements, never);
    return "";
  } catch (error) {
    assert.ok(error instanceof EngineError && error.kind === "forbidden", String(error));
    return error.message.replace("Source image rejected: ", "");
  }
}

test("one signature by one of the keys is enough, of each requirement", async () => {
  const good = signed(documentFor(image, "r.example/app:1"));
  const bad = signed(documentFor(image, "r.example/app:1"), other);
  assert.equal(await reasonAgainst([bad, good], [byKey([pem(ours)], anywhere)]), "");
  assert.equal(await reasonAgainst([good], [byKey([pem(other), pem(ours)], anywhere)]), "");
  const both = [byKey([pem(ours)], anywhere), byKey([pem(other)], anywhere)];
  assert.equal(await reasonAgainst([bad, good], both), "");
  assert.match(await reasonAgainst([good], both), /signature verification failed/);
});

test("nothing is asked where nothing is wanted; a rejection asks nothing either", async () => {
  const unreachable = {
    reference: parseReference("r.example/app:1"),
    getManifest: () => Promise.reject(new Error("asked")),
    getDocument: () => Promise.reject(new Error("asked")),
  };
  await checkSignatures(unreachable, image, [{ type: "insecureAcceptAnything" }], never);
  await assert.rejects(
    checkSignatures(unreachable, image, [{ type: "reject" }], never),
    /rejected by policy/,
  );
  // A registry in trouble is no registry without signatures.
  await assert.rejects(
    checkSignatures(unreachable, image, [byKey([pem(ours)], anywhere)], never),
    /^Error: asked/,
  );
});

test("what was not signed, or for something else, is rejected", async () => {
  const wanted = [byKey([pem(ours)], anywhere)];
  const genuine = signed(documentFor(image, "r.example/app:1"));
  const changed = { ...genuine, payload: documentFor(image, "r.example/app:2") };
  const cut = { ...genuine, signature: genuine.signature.subarray(1) };
  assert.equal(await reasonAgainst([], wanted), "A signature was required, but no signature exists");
  assert.match(await reasonAgainst([changed], wanted), /verification failed/);
  assert.match(await reasonAgainst([cut], wanted), /verification failed/);
  assert.match(
    await reasonAgainst([signed(documentFor(digestOf("another"), "r.example/app:1"))], wanted),
    /^Signature for digest sha256:.* was used for sha256:/,
  );
  for (const document of [
    "{}",
    "not JSON",
    documentFor(image, "r.example/app", "atomic container signature"),
  ])
    assert.match(await reasonAgainst([signed(Buffer.from(document))], wanted), /no simple signing document/);
  assert.match(await reasonAgainst("<html>", wanted), /cannot be read/);
});

test("what it was signed as must fit the name, as the policy says", async () => {
  const rows: readonly [SignedIdentity, signed: string, pulled: string, accepted: boolean][] = [
    [{ type: "matchExact" }, "r.example/app:1", "r.example/app:1", true],
    [{ type: "matchExact" }, "r.example/app:2", "r.example/app:1", false],
    [{ type: "matchExact" }, "r.example/app", `r.example/app@${image}`, false],
    [{ type: "matchRepoDigestOrExact" }, "r.example/app:2", "r.example/app:1", false],
    [{ type: "matchRepoDigestOrExact" }, "r.example/app:2", `r.example/app@${image}`, true],
    [{ type: "matchRepoDigestOrExact" }, "r.example/other", `r.example/app@${image}`, false],
    [{ type: "matchRepository" }, "r.example/app", "r.example/app:1", true],
    [{ type: "matchRepository" }, "r.example/other", "r.example/app:1", false],
    [
      { type: "exactReference", reference: "r.example/app:7" },
      "r.example/app:7",
      "mirror.example/app:1",
      true,
    ],
    [
      { type: "exactReference", reference: "r.example/app:7" },
      "r.example/app:8",
      "mirror.example/app:1",
      false,
    ],
    [{ type: "exactRepository", repository: "r.example/app" }, "r.example/app:8", "mirror.example/x:1", true],
    [
      { type: "exactRepository", repository: "r.example/app" },
      "not a reference",
      "mirror.example/x:1",
      false,
    ],
    [{ type: "matchRepository" }, "index.docker.io/library/app", "app:1", true],
  ];
  for (const [identity, as, pulled, accepted] of rows) {
    const reason = await reasonAgainst(
      [signed(documentFor(image, as))],
      [byKey([pem(ours)], identity)],
      pulled,
    );
    assert.equal(reason === "", accepted, `${identity.type}: ${as} for ${pulled}: ${reason}`);
  }
});

test("a key that is none, or of another kind, is an error and no acceptance", async () => {
  const repository = repositoryWith("r.example/app:1", [signed(documentFor(image, "r.example/app:1"))]);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  for (const [text, message] of [
    ["hello", /no public key in PEM/],
    [rsa.publicKey.export({ type: "spki", format: "pem" }).toString(), /for rsa: only ECDSA/],
  ] as const)
    await assert.rejects(checkSignatures(repository, image, [byKey([text], anywhere)], never), message);
});
