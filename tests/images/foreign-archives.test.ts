// Archives in bzip2 and xz by the real client, beside dockerd: import, load and cp.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { startPeer } from "../system/peer.ts";
import { must, run } from "../system/process.ts";
import { startRegistry } from "../system/registry.ts";
import { skip } from "./unpacker.ts";

const programs = ["bzip2", "xz"] as const;

let engine: Engine;
let peer: Client;
let registry = "";
let folder = "";
const undo = new AsyncDisposableStack();

/** The archive `name`.tar in another compression. */
async function compress(name: string, program: string): Promise<string> {
  await must([program, "-k", "-f", join(folder, `${name}.tar`)]);
  return join(folder, `${name}.tar.${program === "xz" ? "xz" : "bz2"}`);
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-foreign-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = undo.use(await startEngine());
  peer = undo.use(await startPeer({ netns: engine.netns }));
  registry = undo.use(await startRegistry(engine.netns)).address;
  await mkdir(join(folder, "root"));
  await writeFile(join(folder, "root/file"), randomBytes(100_000).toString("hex"));
  await must(["tar", "-C", join(folder, "root"), "-cf", join(folder, "root.tar"), "file"]);
  for (const daemon of [engine, peer]) await daemon.docker("import", join(folder, "root.tar"), "plain:1");
});
after(() => undo.disposeAsync());

const layersOf = (daemon: Client, name: string): Promise<string> =>
  daemon.docker("inspect", "-f", "{{.RootFS.Layers}}", name);

for (const program of programs) {
  test(`an import of ${program} is the image that the plain archive is, also for who pulls it`, {
    skip,
  }, async () => {
    const archive = await compress("root", program);
    const name = `${registry}/imported:${program}`;
    for (const daemon of [engine, peer]) {
      await daemon.docker("import", archive, name);
      assert.equal(await layersOf(daemon, name), await layersOf(daemon, "plain:1"));
    }
    await engine.docker("push", name);
    await peer.docker("rmi", name);
    await peer.docker("pull", name);
    assert.equal(await layersOf(peer, name), await layersOf(peer, "plain:1"));
  });

  test(`an image archive in ${program} is loaded as by dockerd`, { skip }, async () => {
    await peer.docker("save", "-o", join(folder, "saved.tar"), "plain:1");
    const archive = await compress("saved", program);
    const id = await peer.docker("inspect", "-f", "{{.Id}}", "plain:1");
    await engine.docker("rmi", "plain:1");
    for (const daemon of [peer, engine]) {
      assert.equal(await daemon.docker("load", "-i", archive), "Loaded image: plain:1");
      assert.equal(await daemon.docker("inspect", "-f", "{{.Id}}", "plain:1"), id);
    }
  });

  test(`an archive whose layers are in ${program} is loaded as by dockerd`, { skip }, async () => {
    const inside = join(folder, `inside-${program}`);
    await mkdir(inside);
    const layer = await readFile(await compress("root", program));
    const diffId = digestOf(await readFile(join(folder, "root.tar")));
    const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } };
    await writeFile(join(inside, "layer.tar"), layer);
    await writeFile(join(inside, "config.json"), JSON.stringify(config));
    const item = { Config: "config.json", RepoTags: [`inside:${program}`], Layers: ["layer.tar"] };
    await writeFile(join(inside, "manifest.json"), JSON.stringify([item]));
    await must(["tar", "-C", inside, "-cf", `${inside}.tar`, "."]);
    for (const daemon of [peer, engine]) {
      assert.equal(await daemon.docker("load", "-i", `${inside}.tar`), `Loaded image: inside:${program}`);
      assert.equal(await layersOf(daemon, `inside:${program}`), `[${diffId}]`);
    }
    const name = `${registry}/inside:${program}`;
    await engine.docker("tag", `inside:${program}`, name);
    await engine.docker("push", name);
    await peer.docker("rmi", `inside:${program}`);
    await peer.docker("pull", name);
    assert.equal(await layersOf(peer, name), `[${diffId}]`);
  });

  test(`cp takes an archive in ${program}`, { skip }, async () => {
    const archive = await readFile(await compress("root", program));
    for (const daemon of [engine, peer]) {
      await daemon.docker("create", "--name", "box", "plain:1", "true");
      const { code, stderr } = await daemon.tryDocker(["cp", "-", "box:/"], { input: archive });
      assert.equal(code, 0, stderr);
      await daemon.docker("cp", "box:/file", join(folder, "out"));
      await daemon.docker("rm", "box");
      assert.equal(
        await readFile(join(folder, "out"), "utf8"),
        await readFile(join(folder, "root/file"), "utf8"),
      );
    }
  });

  test(`what is not whole in ${program} is refused, and nothing is left of it`, { skip }, async () => {
    const whole = await readFile(await compress("root", program));
    const broken = { cut: whole.subarray(0, whole.length >> 1), spoiled: Buffer.from(whole) };
    broken.spoiled.fill(0x55, whole.length >> 2, whole.length >> 1);
    const images = await engine.docker("images", "--all", "--quiet", "--no-trunc");
    const store = join(engine.dir, "root");
    const blobs = await blobsIn(store);
    await engine.docker("create", "--name", "box", "plain:1", "true");
    for (const [what, bytes] of Object.entries(broken)) {
      const path = join(folder, what);
      await writeFile(path, bytes);
      const words = wordsOf[program][what === "cut" ? "cut" : "spoiled"];
      for (const line of [
        ["import", path],
        ["load", "-i", path],
      ]) {
        const { code, stderr } = await engine.tryDocker(line);
        assert.match(stderr, words);
        assert.equal(code, 1);
        assert.equal((await peer.tryDocker(line)).code, 1);
      }
      const copied = await engine.tryDocker(["cp", "-", "box:/"], { input: bytes });
      assert.match(copied.stderr, words);
    }
    await engine.docker("rm", "box");
    assert.equal(await engine.docker("images", "--all", "--quiet", "--no-trunc"), images);
    assert.deepEqual(await blobsIn(store), blobs);
    const children = await run(["ps", "-o", "comm=", "--ppid", String(engine.daemon.pid)]);
    assert.doesNotMatch(children.stdout, /bzip2|xz/);
  });
}

const wordsOf = {
  bzip2: { cut: /unexpected EOF/, spoiled: /bzip2 data invalid: / },
  xz: { cut: /exit status 1: .*Unexpected end of input/, spoiled: /exit status 1: .*data is corrupt/ },
} as const;

/** What is being written included. */
async function blobsIn(store: string): Promise<readonly string[]> {
  const names = await readdir(store, { recursive: true });
  return names.filter((name) => /\/(blobs|ingest)\//.test(name)).sort();
}

test("without the program the archive is refused in dockerd's words for that", { skip }, async () => {
  const bare = join(folder, "bin");
  await mkdir(bare);
  await chmod(folder, 0o755);
  for (const name of ["nsenter", "sh", "readlink"])
    await symlink((await must(["which", name])).trim(), join(bare, name));
  await using poor = await startEngine({ path: bare });
  const { code, stderr } = await poor.tryDocker(["import", await compress("root", "xz")]);
  assert.equal(code, 1);
  assert.match(stderr, /exec: "xz": executable file not found in \$PATH/);
});
