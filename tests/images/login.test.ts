// Logins, pushes and pulls by the real client, and by ours, at real registries: with passwords, and with a token server.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sendRaw } from "../api/raw-request.ts";
import { makeCertificate } from "../system/certificates.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { type Background, must, type Result, startBackground } from "../system/process.ts";
import { skip } from "./unpacker.ts";

const PLAIN = "127.0.0.1:5000";
const BASIC = "127.0.0.1:5001";
const TOKEN = "127.0.0.1:5004";
const clients = ["docker", join(import.meta.dirname, "../../bin/gantry")];

let engine: Engine;
let peer: Client;
let tokens: Background;
let folder = "";
const undo = new AsyncDisposableStack();

/** docker-registry with these settings; all have the same storage. */
async function startRegistry(address: string, settings: readonly string[] = []): Promise<void> {
  const config = join(folder, `${address}.yml`);
  const storage = `storage: { filesystem: { rootdirectory: ${folder}/data } }`;
  const http = `http: { addr: "${address}", secret: test }`;
  await writeFile(config, ["version: 0.1", "log: { level: info }", storage, http, ...settings].join("\n"));
  const registry = startBackground(["docker-registry", "serve", config], { netns: engine.netns });
  undo.defer(() => registry.end());
  await registry.line(/listening on/);
}

async function startTokenServer(): Promise<Background> {
  const at = (name: string): string => join(folder, name);
  await makeCertificate({ certificate: at("token.crt"), key: at("token.key"), name: "tokens" });
  const program = join(import.meta.dirname, "token-server.ts");
  const command = [process.execPath, program, "5005", at("token.key"), at("token.crt")];
  const server = startBackground(command, { netns: engine.netns });
  undo.defer(() => server.end());
  await server.line(/^listening$/);
  return server;
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-login-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = undo.use(await startEngine());
  peer = undo.use(await startPeer({ netns: engine.netns }));
  await Promise.all([importBusybox(engine), importBusybox(peer)]);
  await startRegistry(PLAIN);
  await writeFile(join(folder, "htpasswd"), await must(["htpasswd", "-Bbn", "user", "secret"]));
  await startRegistry(BASIC, [`auth: { htpasswd: { realm: test, path: ${folder}/htpasswd } }`]);
  tokens = await startTokenServer();
  const token = [
    'realm: "http://127.0.0.1:5005/token"',
    "service: registry",
    "issuer: gantry-tests",
    `rootcertbundle: ${folder}/token.crt`,
  ];
  await startRegistry(TOKEN, [`auth: { token: { ${token.join(", ")} } }`]);
});
after(() => undo.disposeAsync());

type Run = (args: readonly string[], input?: string) => Promise<Result>;

/** A user of one of the clients, with a configuration of his own. */
async function makeUser(program: string, daemon: Client = engine): Promise<{ run: Run; config: string }> {
  const config = await mkdtemp(join(folder, "config-"));
  const helpers = join(folder, "bin");
  const run: Run = (args, input = "") =>
    daemon.tryDocker(args, {
      program,
      input,
      env: { DOCKER_CONFIG: config, PATH: `${helpers}:${process.env.PATH ?? ""}` },
    });
  return { run, config };
}

/** What a session of commands printed, without what differs between any two of them. */
async function told(program: string, daemon: Client, lines: readonly string[]): Promise<readonly string[]> {
  const { run, config } = await makeUser(program, daemon);
  const all: string[] = [];
  for (const line of lines) {
    const [input = "", words = ""] = line.includes("|") ? line.split("|") : ["", line];
    const { code, stdout, stderr } = await run(words.trim().split(" "), input);
    const text = `${stdout}${stderr}`.replaceAll(config, "CONFIG").replaceAll("gantry", "docker");
    all.push(
      `$ ${line}\n${text.replace(/\b[0-9a-f]{12}(?=:)/g, "LAYER").replace(/sha256:[0-9a-f]{64}/g, "DIGEST")}=> ${code}`,
    );
  }
  all.push(await readFile(join(config, "config.json"), "utf8"));
  return all;
}

const session = [
  `push ${BASIC}/side/a:1`,
  `login -u user -p wrong ${BASIC}`,
  `login ${BASIC}`,
  `secret|login --password-stdin ${BASIC}`,
  `secret|login -u user -p x --password-stdin ${BASIC}`,
  `login -u user -p secret 127.0.0.1:5999`,
  `secret|login -u user --password-stdin ${BASIC}`,
  `login http://${BASIC}/v2/`,
  `tag busybox ${BASIC}/side/a:1`,
  `tag busybox ${BASIC}/side/a:2`,
  `tag busybox ${BASIC}/side/b:1`,
  `push ${BASIC}/side/a:1`,
  `push -q ${BASIC}/side/a:1`,
  `push -a ${BASIC}/side/a`,
  `push ${BASIC}/side/b:1`,
  `push ${BASIC}/side/none`,
  `push ${BASIC}/side/a:none`,
  `push -a ${BASIC}/side/a:1`,
  `pull ${BASIC}/side/a:1`,
  `logout ${BASIC}`,
  `logout ${BASIC}`,
  `pull ${BASIC}/side/a:1`,
];

test("logins and pushes are told as by dockerd, with the real client and with ours", { skip }, async () => {
  const forget = () => rm(join(folder, "data"), { recursive: true, force: true });
  const wanted = await told("docker", peer, session);
  for (const client of clients) {
    await forget();
    // An image of its own for each: what was pushed is known to be there.
    await engine
      .docker("rmi", "-f", `${BASIC}/side/a:1`, `${BASIC}/side/a:2`, `${BASIC}/side/b:1`)
      .catch(() => "");
    await importBusybox(engine);
    const ours = await told(client, engine, session);
    for (const [index, text] of wanted.entries()) assert.equal(ours[index], text);
  }
});

for (const client of clients)
  test(`${client.replace(/.*\//, "")} keeps a token server's refresh token instead of the password`, {
    skip,
  }, async () => {
    const { run, config } = await makeUser(client);
    assert.match(
      (await run(["login", "-u", "user", "--password-stdin", TOKEN], "wrong")).stderr,
      /incorrect username or password/,
    );
    const { stdout } = await run(["login", "-u", "user", "--password-stdin", TOKEN], "secret");
    assert.equal(stdout, "Login Succeeded\n");
    const stored = JSON.parse(await readFile(join(config, "config.json"), "utf8")).auths[TOKEN];
    assert.match(stored.identitytoken, /^refresh-/);
    assert.equal(Buffer.from(stored.auth, "base64").toString(), "user:");
    await engine.docker("tag", "busybox", `${TOKEN}/private/image:1`);
    assert.match((await run(["push", `${TOKEN}/private/image:1`])).stdout, /1: digest: sha256:/);
    assert.match((await run(["pull", `${TOKEN}/private/image:1`])).stdout, /Image is up to date/);
    assert.match(tokens.output(), /POST user repository:private\/image:pull,push/);
    const { run: other } = await makeUser(client);
    assert.match((await other(["pull", `${TOKEN}/private/image:1`])).stderr, /denied|unauthorized/);
    assert.match((await other(["push", `${TOKEN}/private/image:1`])).stderr, /denied|unauthorized/);
  });

for (const client of clients)
  test(`${client.replace(/.*\//, "")} leaves credentials to the helper that the user has named`, {
    skip,
  }, async () => {
    const { run, config } = await makeUser(client);
    await mkdir(join(folder, "bin"), { recursive: true });
    const script = `#!/bin/sh
file=${config}/kept; case $1 in
store) cat > $file ;;
get) [ -f $file ] && cat $file || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) cat > /dev/null; rm -f $file ;;
esac
`;
    await writeFile(join(folder, "bin/docker-credential-kept"), script, { mode: 0o755 });
    await writeFile(join(config, "config.json"), JSON.stringify({ credsStore: "kept" }));
    assert.equal(
      (await run(["login", "-u", "user", "--password-stdin", BASIC], "secret")).stdout,
      "Login Succeeded\n",
    );
    assert.deepEqual(JSON.parse(await readFile(join(config, "kept"), "utf8")), {
      ServerURL: BASIC,
      Username: "user",
      Secret: "secret",
    });
    assert.ok(!(await readFile(join(config, "config.json"), "utf8")).includes(btoa("user:secret")));
    await engine.docker("tag", "busybox", `${BASIC}/helped:1`);
    assert.match((await run(["push", `${BASIC}/helped:1`])).stdout, /1: digest: sha256:/);
    assert.equal((await run(["logout", BASIC])).code, 0);
    assert.match((await run(["pull", `${BASIC}/helped:1`])).stderr, /no basic auth credentials/);
  });

test("other programs take from the registry what was pushed, digests equal", { skip }, async () => {
  await engine.docker("tag", "busybox", `${PLAIN}/others/image:1`);
  const pushed = await engine.docker("push", `${PLAIN}/others/image:1`);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
  const options = { netns: engine.netns };
  const inspected = await must(
    [
      "skopeo",
      "inspect",
      "--tls-verify=false",
      "--format",
      "{{.Digest}}",
      `docker://${PLAIN}/others/image:1`,
    ],
    options,
  );
  assert.equal(inspected.trim(), digest);
  await peer.docker("pull", `${PLAIN}/others/image@${digest}`);
  assert.equal(
    await peer.docker("run", "--rm", "--network", "none", `${PLAIN}/others/image@${digest}`, "echo", "hello"),
    "hello",
  );
  const copy = `${PLAIN}/others/copy:1`;
  await must(
    [
      "skopeo",
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${PLAIN}/others/image:1`,
      `docker://${copy}`,
    ],
    options,
  );
  assert.match(await engine.docker("pull", copy), new RegExp(`Digest: ${digest}`));
});

test("what a registry has under a name is told as by dockerd", { skip }, async () => {
  await engine.docker("tag", "busybox", `${PLAIN}/known:1`);
  const pushed = await engine.docker("push", `${PLAIN}/known:1`);
  const digest = /sha256:([0-9a-f]{64})/.exec(pushed)?.[1] ?? "";
  const other = digest.replaceAll("a", "b");
  const names = [`known:1`, `known@sha256:${digest}`, `known`, `known:2`, `known@sha256:${other}`, `none:1`];
  const asked = [
    ...names.map((name) => `${PLAIN}/${name}`),
    `${BASIC}/known:1`,
    `${TOKEN}/known:1`,
    "127.0.0.1:9/known:1",
    "known@sha256:12",
    digest,
  ];
  for (const name of asked) {
    const request = { method: "GET" as const, path: `/v1.41/distribution/${name}/json` };
    const [ours, theirs] = await Promise.all([engine, peer].map((daemon) => sendRaw(daemon.socket, request)));
    assert.equal(`${ours?.status} ${ours?.body}`, `${theirs?.status} ${theirs?.body}`, name);
  }
});

test("no credentials are in the daemon's log", { skip }, async () => {
  for (const secret of ["secret", btoa("user:secret"), "refresh-"])
    assert.ok(!engine.daemon.output().includes(secret), secret);
});
