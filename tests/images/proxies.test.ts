// Pushes and pulls by the real client through a proxy that asks for a password, from registries whose names it alone knows: with TLS, by
// CONNECT, and without. The words are those of dockerd 20.10 in the same place.

import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCertificate } from "../system/certificates.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type Background, startBackground } from "../system/process.ts";
import { skip } from "./unpacker.ts";

const TLS = "registry.gantry-proxies.test:5002";
const PLAIN = "plain.gantry-proxies.test:5003";
const PORT = 3128;
const certificates = `/etc/docker/certs.d/${TLS}`;

let engine: Engine;
let folder = "";
const undo = new AsyncDisposableStack();

async function startRegistry(name: string, http: string): Promise<void> {
  const config = join(folder, `${name}.yml`);
  const storage = `storage: { filesystem: { rootdirectory: ${folder}/${name} } }`;
  await writeFile(config, ["version: 0.1", "log: { level: info }", storage, http].join("\n"));
  const registry = startBackground(["docker-registry", "serve", config], { netns: engine.netns });
  undo.defer(() => registry.end());
  await registry.line(/listening on/);
}

/** Trusted by this registry's folder only. */
async function trustRegistry(): Promise<void> {
  const [name = ""] = TLS.split(":");
  const certificate = join(folder, "tls.crt");
  await makeCertificate({
    certificate,
    key: join(folder, "tls.key"),
    name,
    extensions: [`subjectAltName=DNS:${name}`],
  });
  undo.defer(() => rm(certificates, { recursive: true, force: true }));
  await mkdir(certificates, { recursive: true });
  await copyFile(certificate, join(certificates, "ca.crt"));
}

async function startProxy(credentials: string): Promise<Background> {
  const names = { [TLS]: "127.0.0.1:5002", [PLAIN]: "127.0.0.1:5003" };
  const program = join(import.meta.dirname, "forward-proxy.ts");
  const command = [process.execPath, program, String(PORT), JSON.stringify(names), credentials];
  const proxy = startBackground(command, { netns: engine.netns });
  await proxy.line(/^listening$/);
  return proxy;
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-proxies-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await trustRegistry();
  const proxy = `http://user:se%40cret@127.0.0.1:${PORT}`;
  const proxies = { "http-proxy": proxy, "https-proxy": proxy, "no-proxy": "direct.gantry-proxies.test" };
  engine = undo.use(await startEngine({ config: { proxies, "insecure-registries": [PLAIN] } }));
  const tls = `tls: { certificate: ${folder}/tls.crt, key: ${folder}/tls.key }`;
  await startRegistry("tls", `http: { addr: "127.0.0.1:5002", secret: x, ${tls} }`);
  await startRegistry("plain", 'http: { addr: "127.0.0.1:5003", secret: x }');
  await importBusybox(engine);
});
after(() => undo.disposeAsync());

async function refusalOf(name: string): Promise<string> {
  const { code, stderr } = await engine.tryDocker(["pull", `${name}/app:1`]);
  assert.equal(code, 1);
  return stderr.replace("Error response from daemon: ", "").trim();
}

test("an image goes to both registries and comes back through the proxy alone", { skip }, async () => {
  const proxy = await startProxy("user:se@cret");
  for (const registry of [TLS, PLAIN]) {
    const name = `${registry}/app:1`;
    await engine.docker("tag", "busybox", name);
    assert.match(await engine.docker("push", name), /1: digest: sha256:/);
    await engine.docker("rmi", name);
    assert.match(await engine.docker("pull", name), /Downloaded newer image/);
  }
  assert.match(proxy.output(), new RegExp(`^CONNECT ${TLS} passed$`, "m"));
  assert.match(proxy.output(), new RegExp(`^PUT http://${PLAIN}/v2/app/manifests/1 passed$`, "m"));
  assert.doesNotMatch(proxy.output(), new RegExp(`http://${TLS}`));
  await proxy.end();
});

test("what is imported from an address comes through the proxy, too", { skip }, async () => {
  const proxy = await startProxy("user:se@cret");
  const { code, stderr } = await engine.tryDocker(["import", `http://${PLAIN}/nothing`]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`failed to GET http://${PLAIN}/nothing with status 404 Not Found`));
  assert.match(proxy.output(), new RegExp(`^GET http://${PLAIN}/nothing passed$`, "m"));
  await proxy.end();
});

test("what needs no proxy is not asked of it, and it is told what it does not know", { skip }, async () => {
  const proxy = await startProxy("user:se@cret");
  const direct = "direct.gantry-proxies.test:5002";
  assert.match(await refusalOf(direct), new RegExp(`^Get "https://${direct}/v2/": dial tcp: lookup `));
  const unknown = "unknown.gantry-proxies.test:5002";
  assert.equal(await refusalOf(unknown), `Get "https://${unknown}/v2/": Bad Gateway`);
  assert.deepEqual(proxy.output().trim().split("\n"), ["listening", `CONNECT ${unknown} 502`]);
  await proxy.end();
});

test("a proxy that refuses the password, or is not there, is told as such", { skip }, async () => {
  const proxy = await startProxy("user:other");
  assert.equal(await refusalOf(TLS), `Get "https://${TLS}/v2/": Proxy Authentication Required`);
  assert.match(await refusalOf(PLAIN), /HTTP status: 407 Proxy Authentication Required$/);
  await proxy.end();
  const refused = "proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused";
  assert.equal(await refusalOf(TLS), `Get "https://${TLS}/v2/": ${refused}`);
  assert.equal(await refusalOf(PLAIN), `Get "http://${PLAIN}/v2/": ${refused}`);
  assert.equal(
    await engine.docker("info", "-f", "{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}"),
    "http://xxxxx:xxxxx@127.0.0.1:3128 http://xxxxx:xxxxx@127.0.0.1:3128 direct.gantry-proxies.test",
  );
  assert.doesNotMatch(engine.daemon.output(), /se(%40|@)cret/);
});
