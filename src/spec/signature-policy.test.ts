import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "#formats/reference.ts";
import { decodeSignaturePolicy, requirementsFor } from "./signature-policy.ts";

const key = { type: "sigstoreSigned", keyPath: "/key" };
const accept = { type: "insecureAcceptAnything" };
const decode = (value: unknown) => decodeSignaturePolicy(value, "");

test("the most specific scope counts, alone", () => {
  const scopes = [
    "r.example/a/b:1",
    "r.example/a/b",
    "r.example/a",
    "r.example",
    "*.example",
    "*.deep.net",
    "",
  ];
  const policy = decode({
    default: [accept],
    transports: {
      docker: Object.fromEntries(scopes.map((scope) => [scope, [{ ...key, keyPath: scope || "any" }]])),
    },
  });
  const chosen = (name: string) => {
    const [first] = requirementsFor(policy, parseReference(name));
    return first?.type === "sigstoreSigned" ? first.keyPaths[0] : first?.type;
  };
  assert.deepEqual(
    [
      "r.example/a/b:1",
      "r.example/a/b:2",
      "r.example/a/c/d:1",
      "r.example/ab:1",
      "other.example:5000/a",
      "x.y.deep.net/a",
      "busybox",
    ].map(chosen),
    ["r.example/a/b:1", "r.example/a/b", "r.example/a", "r.example", "*.example", "*.deep.net", "any"],
  );
});

test("where no scope fits, the default holds", () => {
  const policy = decode({ default: [{ type: "reject" }], transports: { docker: { "r.example": [accept] } } });
  assert.deepEqual(requirementsFor(policy, parseReference("busybox")), [{ type: "reject" }]);
  assert.deepEqual(requirementsFor(decode({ default: [accept] }), parseReference("busybox")), [accept]);
});

test("what is not understood is refused by name, never passed over", () => {
  const inScope = (requirement: unknown) =>
    decode({ default: [accept], transports: { docker: { "r.example": [requirement] } } });
  assert.throws(() => inScope({ type: "signedBy", keyType: "GPGKeys" }), /signedBy.* is not supported/);
  assert.throws(() => inScope({ ...key, fulcio: {} }), /fulcio is not supported/);
  assert.throws(
    () => inScope({ ...key, signedIdentity: { type: "remapIdentity" } }),
    /remapIdentity is not supported/,
  );
  assert.throws(() => inScope({ type: "sigstoreSigned" }), /expected a key/);
  assert.throws(() => inScope({ ...key, signedIdentity: { type: "any" } }), /signedIdentity.type/);
  assert.throws(() => decode({ default: [] }), /expected a requirement/);
  assert.throws(() => decode({}), /default/);
});
