// Image archives between Gantry and skopeo, podman, buildah, ctr and dockerd 20.10, in both directions: ids and digests stay.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { startPeer } from "../system/peer.ts";
import { must, run } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
let folder: string;
/** An archive of ours, with app:1. */
let archive: string;
let id: string;
/** Of the manifest. */
let digest: string;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-archives-"));
  engine = await startEngine();
  for (const name of ["lower", "upper"]) {
    await writeFile(join(folder, name), name);
    await must(["tar", "-C", folder, "-cf", join(folder, `${name}.tar`), name]);
  }
  await engine.docker("import", "-c", 'CMD ["/none"]', join(folder, "lower.tar"), "base:1");
  await engine.docker("create", "--name", "box", "base:1");
  await engine.docker("cp", join(folder, "upper"), "box:/upper");
  await engine.docker("commit", "box", "app:1");
  archive = join(folder, "ours.tar");
  await engine.docker("save", "-o", archive, "app:1");
  id = await engine.docker("inspect", "-f", "{{.Id}}", "app:1");
  digest = await engine.docker("image", "inspect", "-f", "{{.Descriptor.digest}}", "app:1");
  for (const words of [
    ["rm", "box"],
    ["rmi", "app:1", "base:1"],
  ])
    await engine.docker(...words);
});
after(async () => {
  if (skip) return;
  await engine?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Loads what another program wrote: it must be the same image. Its manifest may have been written anew. */
async function loadBack(path: string, name: string): Promise<string> {
  assert.equal(await engine.docker("load", "-i", path), `Loaded image: ${name}`);
  assert.equal(await engine.docker("inspect", "-f", "{{.Id}}", name), id);
  const found = await engine.docker("image", "inspect", "-f", "{{.Descriptor.digest}}", name);
  await engine.docker("rmi", name);
  return found;
}

/** `storage`: of podman and buildah, apart from the machine's. */
const stored = (program: string): readonly string[] => [
  ...["timeout", "-s", "KILL", "60", program, "--root", join(folder, program)],
  ...["--runroot", join(folder, `${program}-run`), "--storage-driver", "vfs"],
];

test("skopeo reads our archive in both of its forms, and we read what it writes", { skip }, async () => {
  const skopeo = (...words: readonly string[]): Promise<string> => must(["skopeo", ...words]);
  const raw = async (...words: readonly string[]): Promise<string> =>
    digestOf((await run(["skopeo", "inspect", "--raw", ...words])).stdout);
  assert.equal(await raw(`oci-archive:${archive}`), digest);
  assert.equal(await raw("--config", `oci-archive:${archive}`), id);
  assert.equal(await raw("--config", `docker-archive:${archive}`), id);
  const docker = join(folder, "skopeo-docker.tar");
  await skopeo("copy", "--quiet", `docker-archive:${archive}`, `docker-archive:${docker}:app:skopeo`);
  await loadBack(docker, "app:skopeo");
  const oci = join(folder, "skopeo-oci.tar");
  const to = `oci-archive:${oci}:docker.io/library/app:oci`;
  await skopeo("copy", "--quiet", "--preserve-digests", `oci-archive:${archive}`, to);
  assert.equal(await loadBack(oci, "app:oci"), digest);
});

test("podman loads our archive, and we load what it saves", { skip }, async () => {
  const podman = (...words: readonly string[]): Promise<string> => must([...stored("podman"), ...words]);
  await podman("load", "--quiet", "-i", archive);
  const inspected = await podman("image", "inspect", "--format", "{{.Id}}", "docker.io/library/app:1");
  assert.equal(`sha256:${inspected.trim()}`, id);
  for (const format of ["docker-archive", "oci-archive"]) {
    const path = join(folder, `podman-${format}.tar`);
    await podman("save", "--quiet", "--format", format, "-o", path, "docker.io/library/app:1");
    await loadBack(path, "app:1");
  }
  await podman("rmi", "--all", "--force");
});

test("buildah takes our archive, and we load what it pushes", { skip }, async () => {
  const buildah = (...words: readonly string[]): Promise<string> => must([...stored("buildah"), ...words]);
  const pulled = (await buildah("pull", "--quiet", `docker-archive:${archive}`)).trim();
  assert.equal(`sha256:${pulled}`, id);
  const path = join(folder, "buildah.tar");
  await buildah("push", "--quiet", pulled, `docker-archive:${path}:app:buildah`);
  await loadBack(path, "app:buildah");
  await buildah("rmi", "--all", "--force");
});

test("ctr imports our archive, and we load what it exports", { skip }, async () => {
  const ctr = (...words: readonly string[]): Promise<string> =>
    must(["ctr", "--address", `${engine.dir}/exec/containerd.sock`, "--namespace", "other", ...words]);
  const name = "docker.io/library/app:1";
  await ctr("images", "import", archive);
  assert.match(await ctr("images", "ls", `name==${name}`), new RegExp(`${name} .*${digest}`));
  const path = join(folder, "ctr.tar");
  await ctr("images", "export", path, name);
  assert.equal(await loadBack(path, "app:1"), digest);
  await ctr("images", "rm", "--sync", name);
});

test("dockerd loads our archive, and we load what it saves, compressed or not", { skip }, async () => {
  await using peer = await startPeer();
  assert.equal(await peer.docker("load", "-i", archive), "Loaded image: app:1");
  assert.equal(await peer.docker("inspect", "-f", "{{.Id}}", "app:1"), id);
  const path = join(folder, "dockerd.tar");
  await peer.docker("save", "-o", path, "app:1");
  await loadBack(path, "app:1");
  for (const program of [["gzip"], ["zstd", "--rm", "-q"]]) {
    await peer.docker("save", "-o", path, "app:1");
    await must([...program, path]);
    const compressed = program[0] === "gzip" ? `${path}.gz` : `${path}.zst`;
    await loadBack(compressed, "app:1");
    await rm(compressed);
  }
});
