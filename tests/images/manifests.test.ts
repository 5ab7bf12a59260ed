// `manifest` of the real client and of ours, each with a configuration and repositories of its own, at a real registry: what is
// printed, the files that are kept, and the documents that the registry has afterwards are the same.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import { makeNamespace } from "../system/engine.ts";
import { must, run, startBackground } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { writeOciLayout } from "./oci-layout.ts";
import { file, skip } from "./unpacker.ts";

const PLAIN = "127.0.0.1:5000";
const LOCKED = "127.0.0.1:5001";
const CLOSED = "127.0.0.1:9";
const clients = ["docker", join(import.meta.dirname, "../../bin/gantry")];

let netns = "";
let folder = "";
const undo = new AsyncDisposableStack();

async function startLockedRegistry(): Promise<void> {
  await writeFile(join(folder, "htpasswd"), await must(["htpasswd", "-Bbn", "user", "secret"]));
  const lines = [
    "version: 0.1",
    "log: { level: info }",
    `storage: { filesystem: { rootdirectory: ${folder}/locked } }`,
    `http: { addr: "${LOCKED}", secret: test }`,
    `auth: { htpasswd: { realm: test, path: ${folder}/htpasswd } }`,
  ];
  await writeFile(join(folder, "locked.yml"), lines.join("\n"));
  const locked = startBackground(["docker-registry", "serve", join(folder, "locked.yml")], { netns });
  undo.defer(() => locked.end());
  await locked.line(/listening on/);
}

async function copy(format: string, layout: string, to: string): Promise<void> {
  const flags = ["--dest-tls-verify=false", "--dest-creds", "user:secret", "--format", format];
  await must(["skopeo", "copy", "-q", ...flags, `oci:${layout}:latest`, `docker://${to}`], { netns });
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-manifests-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  netns = folder.split("/").at(-1) ?? "";
  undo.use(await makeNamespace(netns));
  undo.use(await startRegistry(netns));
  await startLockedRegistry();
  for (const name of ["one", "two"])
    await writeOciLayout(join(folder, name), [[file("a", name)], [file("b")]]);
  for (const address of [PLAIN, LOCKED]) {
    await copy("v2s2", join(folder, "one"), `${address}/one:1`);
    await copy("v2s2", join(folder, "two"), `${address}/two:1`);
    await copy("oci", join(folder, "one"), `${address}/oci:1`);
  }
});
after(() => undo.disposeAsync());

/** Everything below a folder, by path. */
async function filesOf(root: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.slice(root.length)] = await readFile(path, "utf8");
  }
  return found;
}

/** What each line printed, and how the configuration's folder looked after each. */
async function told(program: string, repository: string, lines: readonly string[]): Promise<unknown> {
  const config = await mkdtemp(join(folder, "config-"));
  const auth = Buffer.from("user:secret").toString("base64");
  await mkdir(config, { recursive: true });
  await writeFile(join(config, "config.json"), JSON.stringify({ auths: { [LOCKED]: { auth } } }));
  const own = (text: string): string =>
    text.replaceAll(repository, "REPO").replaceAll(/\bgantry\b/g, "docker");
  const all: unknown[] = [];
  for (const line of lines) {
    const words = line.replaceAll("REPO", repository).split(" ");
    const { code, stdout, stderr } = await run([program, "manifest", ...words], {
      netns,
      env: { DOCKER_CONFIG: config, DOCKER_HOST: "unix:///nonexistent" },
    });
    const kept = Object.entries(await filesOf(config)).map(([path, text]) => [own(path), own(text)]);
    all.push({ line, code, stdout: own(stdout), stderr: own(stderr), kept });
  }
  return all;
}

async function compare(lines: readonly string[]): Promise<void> {
  const [theirs, ours] = await Promise.all(
    clients.map((program, index) => told(program, `list-of-${index === 0 ? "real" : "ours"}`, lines)),
  );
  assert.deepEqual(ours, theirs);
}

/** The bytes under a tag. */
const documentOf = (name: string): Promise<string> =>
  must(["skopeo", "inspect", "--raw", "--tls-verify=false", "--creds", "user:secret", `docker://${name}`], {
    netns,
  });

test("a list is made, annotated, shown, pushed and removed as by the real client", { skip }, async () => {
  await compare([
    `create --insecure ${PLAIN}/REPO:1 ${PLAIN}/one:1 ${PLAIN}/two:1`,
    `create --insecure ${PLAIN}/REPO:1 ${PLAIN}/oci:1`,
    `inspect ${PLAIN}/REPO:1`,
    `inspect --verbose ${PLAIN}/REPO:1`,
    `inspect ${PLAIN}/REPO:1 ${PLAIN}/one:1`,
    `inspect -v ${PLAIN}/REPO:1 ${PLAIN}/one:1`,
    `annotate --arch arm64 --variant v8 --os-features a,b ${PLAIN}/REPO:1 ${PLAIN}/two:1`,
    `annotate --os-features b --os-version 10 ${PLAIN}/REPO:1 ${PLAIN}/two:1`,
    `annotate --os windows ${PLAIN}/REPO:1 ${PLAIN}/two:1`,
    `create --insecure --amend ${PLAIN}/REPO:1 ${PLAIN}/oci:1 ${PLAIN}/two:1`,
    `inspect ${PLAIN}/REPO:1`,
    `push ${PLAIN}/REPO:1`,
    `inspect --insecure ${PLAIN}/REPO:1 ${PLAIN}/oci:1`,
    `push --insecure --purge ${PLAIN}/REPO:1`,
    `push ${PLAIN}/REPO:1`,
    `inspect ${PLAIN}/REPO:1`,
    `inspect --insecure ${PLAIN}/REPO:1`,
    `inspect --insecure --verbose ${PLAIN}/REPO:1`,
    `create --insecure ${PLAIN}/REPO:2 ${PLAIN}/one:1`,
    `rm ${PLAIN}/REPO:2 ${PLAIN}/REPO:3`,
  ]);
  const [theirs, ours] = await Promise.all(
    ["real", "ours"].map((owner) => documentOf(`${PLAIN}/list-of-${owner}:1`)),
  );
  assert.equal(digestOf(Buffer.from(ours ?? "")), digestOf(Buffer.from(theirs ?? "")));
  assert.equal(JSON.parse(ours ?? "").mediaType, mediaTypes.ociIndex);
});

test("the user's credentials are shown, and a list of Docker's manifests is one of Docker's", {
  skip,
}, async () => {
  await compare([
    `create --insecure ${LOCKED}/REPO:1 ${LOCKED}/one:1`,
    `push ${LOCKED}/REPO:1`,
    `inspect --insecure ${LOCKED}/REPO:1`,
  ]);
  assert.equal(JSON.parse(await documentOf(`${LOCKED}/list-of-ours:1`)).mediaType, mediaTypes.dockerList);
});

test("what cannot be is told in the real client's words", { skip }, async () => {
  const digest = digestOf(Buffer.from("nothing"));
  await compare([
    `inspect ${PLAIN}/one:1`,
    `inspect --insecure ${PLAIN}/none:1`,
    `inspect --insecure ${PLAIN}/one@${digest}`,
    `inspect --insecure ${CLOSED}/one:1`,
    `inspect ${CLOSED}/one:1`,
    `inspect ${PLAIN}/REPO:1 ${PLAIN}/one:1`,
    `inspect UPPER`,
    `create ${PLAIN}/REPO:1 ${PLAIN}/one:1`,
    `create --insecure UPPER ${PLAIN}/one:1`,
    `create --insecure ${PLAIN}/REPO:1 UPPER`,
    `create --insecure ${PLAIN}/REPO:1 ${PLAIN}/none:1`,
    `create --insecure ${PLAIN}/REPO:1 ${CLOSED}/one:1`,
    `create --insecure ${CLOSED}/REPO:1 ${PLAIN}/one:1`,
    `inspect ${CLOSED}/REPO:1`,
    `push ${CLOSED}/REPO:1`,
    `create --insecure ${PLAIN}/REPO:2 ${PLAIN}/one:1`,
    `annotate --arch foo ${PLAIN}/REPO:2 ${PLAIN}/one:1`,
    `annotate ${PLAIN}/REPO:2 ${PLAIN}/two:1`,
    `annotate UPPER ${PLAIN}/two:1`,
    `annotate ${PLAIN}/REPO:2 UPPER`,
    `push none`,
    `push UPPER`,
    `rm UPPER none`,
    `rm`,
    `annotate x`,
    `create x`,
    `inspect a b c`,
    `push`,
    `inspect --nosuch a`,
  ]);
});
