// Pulls by the real client and daemon from real registries: passwords, private authorities, client certificates, zstd.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sendRaw } from "../api/raw-request.ts";
import { makeCertificate } from "../system/certificates.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { must, startBackground } from "../system/process.ts";
import { writeOciLayout } from "./oci-layout.ts";
import { file, skip } from "./unpacker.ts";

const ADDRESS = "10.214.53.1";
const BASIC = "127.0.0.1:5001";
const TLS = `${ADDRESS}:5002`;
const certificates = `/etc/docker/certs.d/${TLS}`;

let engine: Engine;
let folder = "";
const undo = new AsyncDisposableStack();

/** docker-registry with these settings besides its storage, which all of them share. */
async function startRegistry(name: string, settings: readonly string[]): Promise<void> {
  const config = join(folder, `${name}.yml`);
  const storage = `storage: { filesystem: { rootdirectory: ${folder}/data } }`;
  await writeFile(config, ["version: 0.1", "log: { level: info }", storage, ...settings].join("\n"));
  const registry = startBackground(["docker-registry", "serve", config], { netns: engine.netns });
  undo.defer(() => registry.end());
  await registry.line(/listening on/);
}

/** An authority, and certificates signed by it for the registry and for a client. */
async function makeCertificates(): Promise<void> {
  const at = (name: string) => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
  });
  const issuer = at("ca");
  await makeCertificate({ ...issuer, name: "Gantry test authority" });
  const extensions = [`subjectAltName=IP:${ADDRESS}`];
  for (const name of ["registry", "client"]) await makeCertificate({ ...at(name), name, extensions, issuer });
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-registries-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = await startEngine();
  undo.defer(() => engine[Symbol.asyncDispose]());
  await must(["ip", "addr", "add", `${ADDRESS}/32`, "dev", "lo"], { netns: engine.netns });
  await startRegistry("plain", ['http: { addr: "127.0.0.1:5000" }']);
  await writeOciLayout(join(folder, "layout"), [[file("etc/a", "one")], [file("etc/b", "two")]]);
  for (const format of ["gzip", "zstd"])
    await must(
      [
        "skopeo",
        "copy",
        "--dest-tls-verify=false",
        "--dest-compress-format",
        format,
        "--dest-compress",
        `oci:${folder}/layout:latest`,
        `docker://127.0.0.1:5000/team/${format}:1`,
      ],
      { netns: engine.netns },
    );
});
after(() => undo.disposeAsync());

for (const format of ["gzip", "zstd"]) {
  test(`an image with ${format} layers is pulled by tag and by digest`, { skip }, async () => {
    const name = `127.0.0.1:5000/team/${format}`;
    const pulled = await engine.docker("pull", `${name}:1`);
    assert.match(pulled, new RegExp(`^1: Pulling from team/${format}\n`));
    assert.match(pulled, /Status: Downloaded newer image for/);
    const digest = /Digest: (sha256:[a-f0-9]{64})/.exec(pulled)?.[1];
    assert.match(await engine.docker("pull", `${name}@${digest}`), /Status: Image is up to date for/);
    assert.equal(
      await engine.docker("image", "inspect", "-f", "{{len .RootFS.Layers}} {{.Size}}", `${name}:1`),
      "2 6",
    );
  });
}

test("an image tells where it was pulled from, whatever it is called, since API 1.53", { skip }, async () => {
  await engine.docker("tag", "127.0.0.1:5000/team/gzip:1", "mine");
  const ask = async (path: string) => {
    const { body } = await sendRaw(engine.socket, { method: "GET", path });
    return JSON.parse(body.toString());
  };
  // Compressed otherwise, it is the same image.
  const Pull = ["gzip", "zstd"].map((name) => ({ Repository: `127.0.0.1:5000/team/${name}` }));
  assert.equal((await ask("/v1.52/images/mine/json")).Identity, undefined);
  assert.deepEqual((await ask("/v1.53/images/mine/json")).Identity, { Pull });
  const filters = encodeURIComponent('{"reference":["mine"]}');
  const listed = async (query: string) => {
    const [{ Manifests }] = await ask(`/v1.54/images/json?manifests=1&filters=${filters}${query}`);
    return Manifests[0].ImageData.Identity;
  };
  assert.deepEqual([await listed(""), await listed("&identity=1")], [undefined, { Pull }]);
  await engine.docker("rmi", "mine");
});

test("a registry with passwords is read after login, and refuses others", { skip }, async () => {
  await writeFile(join(folder, "htpasswd"), await must(["htpasswd", "-Bbn", "user", "secret"]));
  await startRegistry("basic", [
    `http: { addr: "${BASIC}" }`,
    `auth: { htpasswd: { realm: test, path: ${folder}/htpasswd } }`,
  ]);
  const pull = (env: Readonly<Record<string, string>>) =>
    engine.tryDocker(["pull", `${BASIC}/team/gzip:1`], { env });
  const none = await pull({});
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no basic auth credentials/);
  const login = async (password: string): Promise<string> => {
    const config = await mkdtemp(join(folder, "config-"));
    const auth = Buffer.from(`user:${password}`).toString("base64");
    await writeFile(join(config, "config.json"), JSON.stringify({ auths: { [BASIC]: { auth } } }));
    return config;
  };
  assert.match(
    (await pull({ DOCKER_CONFIG: await login("wrong") })).stderr,
    /unauthorized: authentication required/,
  );
  assert.match((await pull({ DOCKER_CONFIG: await login("secret") })).stdout, /Downloaded newer image/);
});

test("a private authority and a client certificate are taken from certs.d, and nothing less is trusted", {
  skip,
}, async () => {
  await makeCertificates();
  const tls = `tls: { certificate: ${folder}/registry.crt, key: ${folder}/registry.key, clientcas: ["${folder}/ca.crt"] }`;
  await startRegistry("tls", [`http: { addr: "${TLS}", ${tls} }`]);
  const pull = () => engine.tryDocker(["pull", `${TLS}/team/gzip:1`]);
  assert.match((await pull()).stderr, /x509: certificate signed by unknown authority/);
  await rm(certificates, { recursive: true, force: true }); // of a run that was interrupted
  await mkdir(certificates, { recursive: true });
  undo.defer(() => rm(certificates, { recursive: true, force: true }));
  await must(["cp", `${folder}/ca.crt`, certificates]);
  assert.equal((await pull()).code, 1, "without a client certificate");
  await must(["cp", `${folder}/client.crt`, `${certificates}/client.cert`]);
  assert.match((await pull()).stderr, /missing key client\.key for client certificate client\.cert/);
  await must(["cp", `${folder}/client.key`, `${certificates}/client.key`]);
  assert.match((await pull()).stdout, /Downloaded newer image/);
});

test("plain HTTP is spoken to loopback only", { skip }, async () => {
  const elsewhere = `${ADDRESS}:5003`;
  await startRegistry("elsewhere", [`http: { addr: "${elsewhere}" }`]);
  const refused = await engine.tryDocker(["pull", `${elsewhere}/team/gzip:1`]);
  assert.match(refused.stderr, /http: server gave HTTP response to HTTPS client/);
});
