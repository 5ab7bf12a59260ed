// CVE-2018-15664, CVE-2021-41089, CVE-2019-18466: what is copied from or to a container stays in it, whatever the container exchanges
// meanwhile, and whatever an archive holds.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TreeThreads } from "#containerd/trees/trees.ts";
import { planView } from "#containerd/trees/view.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { skip } from "../libcontainer/container-machine.ts";
import { type Change, copyWeakenedWorker } from "./weakened.ts";

const project = join(import.meta.dirname, "../..");
const never = new AbortController().signal;

/** Symlinks lead where they say, as if nothing resolved them within the root. */
const followed: readonly Change[] = [
  ["how.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);", 'path = path.replace(/^\\/+/, "");'],
];

interface Scene extends AsyncDisposable {
  readonly trees: TreeThreads;
  readonly view: Plan;
  /** The container's root, and a folder of the host beside it with a secret. */
  readonly root: string;
  readonly outside: string;
}

async function openScene(changes?: readonly Change[]): Promise<Scene> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "gantry-cp-"));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [root, outside, scratch, socket] = ["root", "outside", "view", "socket"].map((name) =>
    join(folder, name),
  );
  assert.ok(root !== undefined && outside !== undefined && scratch !== undefined && socket !== undefined);
  for (const path of [root, outside, scratch]) mkdirSync(path);
  writeFileSync(join(outside, "file"), "secret");
  execFileSync("sh", [join(project, "native/build.sh")]);
  const binary = join(project, "native/build/gantry-exec");
  undo.use(await startZygote({ binary, socket }));
  const workerUrl =
    changes === undefined
      ? new URL("../../src/main/tree-worker.ts", import.meta.url)
      : copyWeakenedWorker(join(folder, "weakened"), "src/kernel/trees/calls.ts", changes);
  const trees = undo.use(new TreeThreads({ workerUrl, executorSocket: socket, maxWorkers: 1, idleMs: 1000 }));
  const bind = { destination: "", type: "bind", source: root, options: ["rw", "rbind"] };
  const view = planView({
    root: { kind: "snapshot", mounts: [bind], writes: "kept" },
    mounts: [],
    readOnly: false,
    scratch,
  });
  const end = undo.move();
  return { trees, view, root, outside, [Symbol.asyncDispose]: () => end.disposeAsync() };
}

/** Exchanges root/x, a directory, and root/y, a symlink to the folder outside, as fast as it can. */
function startFlipping({ root, outside }: Scene): ChildProcess {
  mkdirSync(join(root, "x"));
  writeFileSync(join(root, "x/file"), "harmless");
  execFileSync("ln", ["-s", outside, join(root, "y")]);
  const source = join(root, "flip.c");
  writeFileSync(
    source,
    `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
int main(void) { for (;;) renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_EXCHANGE); }`,
  );
  execFileSync("cc", ["-O2", "-o", join(root, "flip"), source]);
  return spawn(join(root, "flip"), { cwd: root, stdio: "ignore" });
}

async function readOut(scene: Scene): Promise<string> {
  try {
    const { chunks } = await scene.trees.packPath(scene.view, "/x/file", never);
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return Buffer.concat(all).toString("latin1");
  } catch {
    return ""; // it was the link that time
  }
}

async function* archiveOf(...names: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const name of names) {
    const [path = "", target] = name.split(" -> ");
    if (target === undefined) {
      yield encodeTarEntry(tarEntry({ name: path, type: "file", size: 1 }));
      yield Buffer.from("!");
      yield tarPadding(1);
    } else yield encodeTarEntry(tarEntry({ name: path, type: "symlink", linkName: target }));
  }
  yield tarEnd();
}

async function writeIn(scene: Scene, path: string, ...names: readonly string[]): Promise<void> {
  const request = { path, keepKinds: false, refusals: [] };
  await scene.trees.unpack(scene.view, request, archiveOf(...names), never).catch(() => undefined);
}

/** "" or what was gained within that many tries. */
async function flip(scene: Scene, tries: number): Promise<string> {
  const flipping = startFlipping(scene);
  try {
    for (let left = tries; left > 0; left--) {
      if ((await readOut(scene)).includes("secret")) return "read";
      await writeIn(scene, "/x", `stolen-${left}`);
      if (readdirSync(scene.outside).length > 1) return "written";
    }
    return "";
  } finally {
    flipping.kill("SIGKILL");
  }
}

test("a directory that is exchanged for a symlink leads nowhere else", { skip }, async () => {
  await using scene = await openScene();
  assert.equal(await flip(scene, 100), "");
});

test("weakened: a directory that is exchanged for a symlink leads nowhere else", { skip }, async () => {
  await using scene = await openScene(followed);
  assert.notEqual(await flip(scene, 3000), "");
});

const throughLink = async (scene: Scene): Promise<boolean> => {
  await writeIn(scene, "/", `link -> ${scene.outside}`, "link/evil");
  return existsSync(join(scene.outside, "evil"));
};

test("an entry below a symlink of the same archive stays in the container", { skip }, async () => {
  await using scene = await openScene();
  assert.equal(await throughLink(scene), false);
  assert.ok(
    existsSync(join(scene.root, scene.outside, "evil")),
    "it is where the link leads within the container",
  );
});

test("weakened: an entry below a symlink of the same archive stays in the container", { skip }, async () => {
  await using scene = await openScene(followed);
  assert.equal(await throughLink(scene), true);
});

test("FIFOs and devices are neither opened nor waited for", { skip }, async () => {
  await using scene = await openScene();
  mkdirSync(join(scene.root, "x"));
  execFileSync("mkfifo", [join(scene.root, "x/fifo")]);
  execFileSync("mknod", [join(scene.root, "x/file"), "c", "1", "5"]); // /dev/zero: reading it would never end
  assert.match(await readOut(scene), /file\0/);
  await writeIn(scene, "/x", "fifo", "file");
  const found = execFileSync("stat", ["-c", "%F", join(scene.root, "x/fifo"), join(scene.root, "x/file")]);
  assert.equal(found.toString(), "regular file\nregular file\n");
});

for (const name of ["../evil", "a/../../evil", "/../evil"])
  test(`an entry called ${name} does not leave the directory`, { skip }, async () => {
    await using scene = await openScene();
    mkdirSync(join(scene.root, "d"));
    await writeIn(scene, "/d", name);
    assert.deepEqual(readdirSync(scene.root), ["d"]);
  });
