// Images signed as cosign signs, with keys and signatures of openssl, at a real registry: what --verify and the daemon's policy let in.
// Nobody else here can be asked: Debian has no cosign, and has these signatures disabled in its skopeo and podman.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { type Descriptor, mediaTypes } from "#spec/oci-image.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, type Result } from "../system/process.ts";
import { type Registry, startRegistry } from "../system/registry.ts";
import { skip } from "./unpacker.ts";

const gantry = join(import.meta.dirname, "../../bin/gantry");
let engine: Engine;
let registry: Registry;
let folder = "";
/** Of app:1 and app:2; it is signed as the first. */
let digest = "";
const at = (name: string): string => join(folder, name);
const named = (name: string): string => `${registry.address}/${name}`;
const undo = new AsyncDisposableStack();

/** NAME.pub and NAME.key. */
async function makeKeys(name: string): Promise<void> {
  await must(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at(`${name}.key`)]);
  await must(["openssl", "ec", "-in", at(`${name}.key`), "-pubout", "-out", at(`${name}.pub`)]);
}

/** Sent to the registry: the answer's headers. */
const curl = (...words: readonly string[]): Promise<string> =>
  must(["curl", "-sSf", "-o", "/dev/null", "-D", "-", ...words], { netns: engine.netns });

async function pushBlob(repository: string, file: string): Promise<Descriptor> {
  const started = await curl("-X", "POST", `http://${registry.address}/v2/${repository}/blobs/uploads/`);
  const location = /^location: (.*)\r$/im.exec(started)?.[1] ?? "";
  const bytes = await readFile(file);
  const digest = digestOf(bytes);
  await curl("-T", file, "-H", "Content-Type: application/octet-stream", `${location}&digest=${digest}`);
  return { mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", digest, size: bytes.length };
}

/** As `cosign sign --key`: a document that names the digest, its signature, and a manifest of both beside the image. */
async function sign(repository: string, digest: string, as: string, key: string): Promise<void> {
  const critical = {
    identity: { "docker-reference": as },
    image: { "docker-manifest-digest": digest },
    type: "cosign container image signature",
  };
  await writeFile(at("payload"), JSON.stringify({ critical, optional: null }));
  await must([
    "openssl",
    "dgst",
    "-sha256",
    "-sign",
    at(`${key}.key`),
    "-out",
    at("signature"),
    at("payload"),
  ]);
  const signature = (await readFile(at("signature"))).toString("base64");
  const payload = await pushBlob(repository, at("payload"));
  await writeFile(at("config"), "{}");
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { ...(await pushBlob(repository, at("config"))), mediaType: mediaTypes.ociConfig },
    layers: [{ ...payload, annotations: { "dev.cosignproject.cosign/signature": signature } }],
  };
  await writeFile(at("manifest"), JSON.stringify(manifest));
  const url = `http://${registry.address}/v2/${repository}/manifests/${digest.replace(":", "-")}.sig`;
  await curl("-T", at("manifest"), "-H", `Content-Type: ${mediaTypes.ociManifest}`, url);
}

const setPolicy = (value: unknown): Promise<void> =>
  writeFile(at("policy.json"), typeof value === "string" ? value : JSON.stringify(value));
const anything = { default: [{ type: "insecureAcceptAnything" }] };

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-signatures-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await setPolicy(anything);
  engine = undo.use(await startEngine({ config: { "signature-policy": at("policy.json") } }));
  registry = undo.use(await startRegistry(engine.netns));
  await importBusybox(engine);
  await Promise.all(["ours", "theirs"].map(makeKeys));
  const container = await engine.docker("create", "busybox", "true");
  await engine.docker("commit", container, named("other:1"));
  await engine.docker("commit", "-m", "another", container, named("app:1"));
  await engine.docker("tag", named("app:1"), named("app:2"));
  for (const name of ["other:1", "app:1", "app:2"]) {
    const pushed = await engine.docker("push", named(name));
    if (name === "app:1") digest = /digest: (\S+)/.exec(pushed)?.[1] ?? "";
  }
  await engine.docker("rmi", ...["other:1", "app:1", "app:2"].map(named));
  await sign("app", digest, named("app:1"), "ours");
});
after(() => undo.disposeAsync());

const here = async (): Promise<string> =>
  await engine.docker("images", "-q", "--filter", `reference=${registry.address}/*`);

test("--verify pulls what the key has signed, and nothing else", { skip }, async () => {
  const pull = (key: string, name: string): Promise<Result> =>
    engine.tryDocker(["pull", "-q", "--verify", at(key), named(name)], { program: gantry });
  const foreign = await pull("theirs.pub", "app:1");
  assert.deepEqual([foreign.code, foreign.stdout], [1, ""]);
  assert.match(foreign.stderr, /Source image rejected: cryptographic signature verification failed/);
  const unsigned = await pull("ours.pub", "other:1");
  assert.match(unsigned.stderr, /Source image rejected: A signature was required, but no signature exists/);
  await writeFile(at("empty"), "");
  for (const none of ["payload", "empty"])
    assert.match((await pull(none, "app:1")).stderr, /no public key in PEM/);
  const unset = await engine.tryDocker(["pull", "-q", "--verify", "", named("app:1")], { program: gantry });
  assert.match(unset.stderr, /no such file/);
  const path = `/v1.45/images/create?fromImage=${named("app")}&tag=1`;
  for (const header of ["", "!!!!", "AAAA"]) {
    const words = [
      "-s",
      "--unix-socket",
      engine.socket,
      "-X",
      "POST",
      "-H",
      `X-Gantry-Verify${header ? `: ${header}` : ";"}`,
    ];
    assert.match(await must(["curl", ...words, `http://d${path}`]), /no public key in PEM/, header);
  }
  assert.match((await pull("nosuch", "app:1")).stderr, /no such file/);
  assert.equal(await here(), "");
  assert.deepEqual(await pull("ours.pub", "app:1"), { code: 0, stdout: `${named("app:1")}\n`, stderr: "" });
  await engine.docker("rmi", named("app:1"));
});

test("the policy decides by name, for the real client as for ours", { skip }, async () => {
  const by = (key: string, more: object = {}) => [
    { type: "sigstoreSigned", keyPath: at(`${key}.pub`), ...more },
  ];
  const repository = { signedIdentity: { type: "matchRepository" } };
  const scopes = (docker: object) => ({ default: [{ type: "reject" }], transports: { docker } });
  const rows: readonly [policy: object, name: string, accepted: boolean][] = [
    [anything, "other:1", true],
    [scopes({}), "app:1", false],
    [scopes({ [named("app")]: by("ours") }), "app:1", true],
    [scopes({ [named("app")]: by("ours") }), "app:2", false],
    [scopes({ [named("app")]: by("ours", repository) }), "app:2", true],
    [scopes({ [named("app")]: by("ours") }), `app@${digest}`, true],
    [scopes({ [named("app")]: by("theirs") }), "app:1", false],
    [scopes({ [named("app")]: by("ours") }), "other:1", false],
    [scopes({ [registry.address]: by("ours") }), "other:1", false],
    [scopes({ [registry.address]: by("theirs"), [named("app:1")]: by("ours") }), "app:1", true],
    [scopes({ "": by("ours", repository) }), "app:2", true],
    [scopes({ [named("app")]: [...by("ours"), ...by("theirs")] }), "app:1", false],
  ];
  for (const [policy, name, accepted] of rows) {
    await setPolicy(policy);
    const { code, stderr } = await engine.tryDocker(["pull", named(name)]);
    const what = `${name} by ${JSON.stringify(policy)}: ${stderr}`;
    assert.equal(code === 0, accepted, what);
    if (!accepted) assert.match(stderr, /Source image rejected: /);
    if (accepted) await engine.docker("rmi", named(name));
    assert.equal(await here(), "", what);
  }
});

test("a policy that cannot be read or understood lets nothing in", { skip }, async () => {
  for (const [policy, message] of [
    ["{", /signature policy .*policy\.json: .*JSON/],
    [{ default: [{ type: "signedBy" }] }, /signedBy.* is not supported by this version of Gantry/],
    [{ default: [{ type: "sigstoreSigned", keyPath: at("nosuch") }] }, /ENOENT|no such file/],
  ] as const) {
    await setPolicy(policy);
    const { code, stderr } = await engine.tryDocker(["pull", named("app:1")]);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
  await rm(at("policy.json"));
  assert.match((await engine.tryDocker(["pull", named("app:1")])).stderr, /signature policy .*no such file/);
  assert.equal(await here(), "");
});
