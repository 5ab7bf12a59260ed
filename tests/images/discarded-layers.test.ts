// Layers whose blobs are discarded (--discard-layer-blobs): rebuilt bit for bit for registries, archives and ctr, with blobs of dockerd
// (Go's gzip), skopeo (pgzip) and plain ones of our own.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { openApi } from "../system/api.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { must } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { skip } from "./unpacker.ts";

let engine: Engine;
let peer: Client;
let registry: string;
let other: string;
let folder: string;
const undo = new AsyncDisposableStack();

const change = [
  "mkdir -p /a/b/c /lib",
  "cp /bin/busybox /a/b/one",
  "ln /a/b/one /a/two",
  "ln -s ../a/b/one /lib/three",
  "chmod 4755 /a/b/one",
  "seq 1 20000 > /a/b/c/numbers",
  "dd if=/dev/zero of=/a/sparse bs=1k count=1 seek=2048 2>/dev/null",
  "dd if=/dev/zero of=/a/zeros bs=64k count=40 2>/dev/null",
  "dd if=/dev/urandom of=/a/noise bs=64k count=4 2>/dev/null",
  "mkfifo /a/pipe",
  "touch /a/empty '/a/name with space and é'",
  `echo x > /a/b/c/${"long".repeat(40)}`,
  "rm -r /var /etc/group",
].join("; ");

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-discarded-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = undo.use(await startEngine({ flags: ["--discard-layer-blobs"] }));
  peer = undo.use(await startPeer({ netns: engine.netns }));
  registry = undo.use(await startRegistry(engine.netns)).address;
  other = undo.use(await startRegistry(engine.netns, 5001)).address;
  await importBusybox(peer, `${registry}/base`);
  await peer.docker("run", "--name", "box", "--network", "none", `${registry}/base`, "sh", "-c", change);
  await peer.docker("commit", "box", `${registry}/app`);
  for (const name of ["base", "app"]) await peer.docker("push", `${registry}/${name}`);
});
after(() => undo.disposeAsync());

const content = (...path: readonly string[]): string => join(engine.dir, "root/containerd/content", ...path);

const hexOf = (digest: string): string => digest.replace("sha256:", "");
/** Its file may be there again for a while. */
const isRecorded = (digest: string): boolean => existsSync(content("records", hexOf(digest)));
const isDiscarded = (digest: string): boolean =>
  isRecorded(digest) && !existsSync(content("blobs/sha256", hexOf(digest)));

const skopeo = (...words: readonly string[]): Promise<string> =>
  must(["skopeo", "--insecure-policy", ...words], { netns: engine.netns });

/** Digests of the layers of what a registry has. */
async function layersIn(name: string): Promise<readonly string[]> {
  const manifest: { readonly layers: readonly { readonly digest: string }[] } = JSON.parse(
    await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${name}`),
  );
  return manifest.layers.map(({ digest }) => digest);
}

async function pullAndDiscard(name: string): Promise<readonly string[]> {
  await engine.docker("pull", "-q", name);
  const layers = await layersIn(name);
  await until(() => layers.every(isRecorded));
  assert.deepEqual(
    layers.filter((layer) => !isRecorded(layer)),
    [],
  );
  return layers;
}

const check = (repair = false): Promise<unknown> =>
  openApi(engine.socket)
    .send("POST", repair ? "/gantry/check?repair=1" : "/gantry/check")
    .then(({ body }) => JSON.parse(body.toString()).Findings);

test("dockerd's layers go once they are unpacked, and another registry gets them bit for bit", {
  skip,
}, async () => {
  const layers = await pullAndDiscard(`${registry}/app`);
  assert.equal(layers.length, 2);
  await until(() => layers.every(isDiscarded));
  assert.deepEqual(await check(), []);
  const digest = (name: string) =>
    skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`);
  await engine.docker("tag", `${registry}/app`, `${other}/copy`);
  await engine.docker("push", "-q", `${other}/copy`);
  assert.equal(await digest(`${other}/copy`), await digest(`${registry}/app`));
  assert.deepEqual(layers.map(isDiscarded), [true, true]);
  const look = ["sh", "-c", "md5sum /a/b/one /a/two /a/b/c/numbers /a/noise /a/zeros; ls -l /a /a/b"];
  const [ours, theirs] = await Promise.all(
    [engine, peer].map((client) =>
      client.docker("run", "--rm", "--network", "none", `${registry}/app`, ...look),
    ),
  );
  assert.equal(ours, theirs);
});

test("save has the same bytes, and ctr reads them, whole and in parts", { skip }, async () => {
  const layers = await pullAndDiscard(`${registry}/app`);
  const archive = join(folder, "app.tar");
  await engine.docker("save", "-o", archive, `${registry}/app`);
  for (const layer of layers) {
    const bytes = await must(["sh", "-c", `tar -xOf ${archive} blobs/sha256/${hexOf(layer)} | sha256sum`]);
    assert.equal(bytes.slice(0, 64), hexOf(layer));
    const ctr = ["ctr", "-a", engine.containerdSocket, "-n", "moby", "content", "get", layer];
    assert.equal((await must(["sh", "-c", `${ctr.join(" ")} | sha256sum`])).slice(0, 64), hexOf(layer));
  }
  await peer.docker("load", "-i", archive);
});

/** The first manifest of an OCI layout with its layers the other way round. */
async function turnLayers(layout: string): Promise<void> {
  const read = async (path: string) => JSON.parse(await readFile(join(layout, path), "utf8"));
  const write = async (value: unknown): Promise<{ digest: string; size: number }> => {
    const bytes = Buffer.from(JSON.stringify(value));
    await writeFile(join(layout, "blobs/sha256", hexOf(digestOf(bytes))), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const blob = (digest: string): string => `blobs/sha256/${hexOf(digest)}`;
  const index = await read("index.json");
  const manifest = await read(blob(index.manifests[0].digest));
  const config = await read(blob(manifest.config.digest));
  config.rootfs.diff_ids.reverse();
  manifest.layers.reverse();
  Object.assign(manifest.config, await write(config));
  Object.assign(index.manifests[0], await write(manifest));
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
}

test("a layer on another parent is unpacked again, and a plain one of a commit goes, too", {
  skip,
}, async () => {
  const known = await pullAndDiscard(`${registry}/app`);
  const layout = join(folder, "layout");
  await skopeo("copy", "-q", "--src-tls-verify=false", `docker://${registry}/app`, `oci:${layout}:turned`);
  await turnLayers(layout);
  await skopeo(
    "copy",
    "-q",
    "--dest-tls-verify=false",
    `oci:${layout}:turned`,
    `docker://${registry}/turned`,
  );
  assert.deepEqual(await pullAndDiscard(`${registry}/turned`), [...known].reverse());
  assert.match(
    await engine.docker("run", "--rm", "--network", "none", `${registry}/turned`, "ls", "/var"),
    /www/,
  );

  await engine.docker(
    "run",
    "--name",
    "box",
    "--network",
    "none",
    `${registry}/app`,
    "sh",
    "-c",
    "seq 1 90000 > /more",
  );
  await engine.docker("commit", "box", "made");
  const [plain] = JSON.parse(await engine.docker("inspect", "-f", "{{json .RootFS.Layers}}", "made")).slice(
    -1,
  );
  await until(() => isDiscarded(plain));
  assert.ok(isDiscarded(plain));
  await engine.docker("tag", "made", `${other}/made`);
  await engine.docker("push", "-q", `${other}/made`);
  await peer.docker("pull", "-q", `${other}/made`);
  // The names stand for what was pushed now: its blob is that of the same snapshot.
  const [compressed = ""] = (await layersIn(`${other}/made`)).slice(-1);
  await until(() => isDiscarded(compressed));
  assert.ok(isDiscarded(compressed) && !isRecorded(plain));
  const last = await peer.docker("run", "--rm", "--network", "none", `${other}/made`, "tail", "-1", "/more");
  assert.equal(last, "90000");
});

/** No record, blob or snapshot. */
async function untilEmpty(): Promise<void> {
  const folders = [content("records"), content("blobs/sha256"), content("../snapshots")];
  const left = async () => (await Promise.all(folders.map((folder) => readdir(folder)))).flat();
  await until(async () => (await left()).length === 0);
  assert.deepEqual(await left(), []);
}

test("nothing is left of what nobody names any more; layers of skopeo", { skip }, async () => {
  await engine.docker("rm", "box");
  await engine.docker("image", "prune", "-af");
  await untilEmpty();
  await peer.docker("save", "-o", join(folder, "plain.tar"), `${registry}/app`);
  const target = ["--dest-tls-verify=false", `docker://${registry}/pgzip`];
  await skopeo("copy", "-q", "--dest-compress", `docker-archive:${join(folder, "plain.tar")}`, ...target);
  const layers = await pullAndDiscard(`${registry}/pgzip`);
  await engine.docker("tag", `${registry}/pgzip`, `${other}/pgzip`);
  await engine.docker("push", "-q", `${other}/pgzip`);
  assert.deepEqual(await layersIn(`${other}/pgzip`), layers);
});

test("a blob that can be rebuilt no more is found, and one whose snapshot is removed comes back first", {
  skip,
}, async () => {
  const [lower = "", upper = ""] = await pullAndDiscard(`${registry}/pgzip`);
  assert.match(await engine.docker("system", "df"), /Images/);
  const { body } = await openApi(engine.socket).send("GET", "/system/df");
  const { TotalCount, TotalSize, RecordSize } = JSON.parse(body.toString()).DiscardedLayers;
  assert.ok(TotalCount === 2 && RecordSize < TotalSize / 2, body.toString());
  const ctr = ["ctr", "-a", engine.containerdSocket, "-n", "moby"];
  const [, top = ""] = /^(sha256:\w+)\s+sha256:/m.exec(await must([...ctr, "snapshots", "ls"])) ?? []; // it has a parent
  await must([...ctr, "snapshots", "rm", top]);
  assert.ok(existsSync(content("blobs/sha256", hexOf(upper))) && !isRecorded(upper));
  await rm(content("records", hexOf(lower), "tokens"));
  const findings = JSON.stringify(await check(true));
  assert.match(findings, new RegExp(`${lower}.*cannot be rebuilt.*forgotten`));
  await engine.docker("rmi", `${registry}/pgzip`, `${other}/pgzip`);
  // What is pulled next has the same layers in another compression: they are to be unpacked from that.
  await untilEmpty();
});

test("a daemon that is killed at any step has the blob or what it is rebuilt by", { skip }, async () => {
  const names = async (): Promise<readonly string[]> => await readdir(content("records"));
  const steps: readonly (() => Promise<boolean>)[] = [
    async () => (await names()).some((name) => name.startsWith("new-")),
    async () => (await names()).some((name) => !name.startsWith("new-")),
    async () => (await names()).some((name) => isDiscarded(`sha256:${name}`)),
  ];
  for (const step of steps) {
    await engine.docker("pull", "-q", `${registry}/app`);
    await until(step);
    await engine.kill();
    await engine.restart();
    assert.deepEqual(await check(), []);
    await pullAndDiscard(`${registry}/app`);
    assert.deepEqual(await check(), []);
    await engine.docker("rmi", `${registry}/app`);
    await untilEmpty();
  }
});
