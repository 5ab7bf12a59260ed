// An empty volume gets the image's files: by a real executor, from a root file system that may be hostile.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { populateVolume } from "#engine/volumes/populate.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { nativeProgram } from "#main/native-program.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: isRoot ? false : "needs root" };

/** A root file system, an empty volume, and a function that fills the volume from a path of the root. */
async function openSetup(undo: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-volume-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const [root = "", target = "", volume = ""] = ["root", "target", "volume"].map((name) =>
    join(directory, name),
  );
  for (const path of [root, target, volume]) mkdirSync(path);
  const executor = await startZygote({ binary: nativeProgram(), socket: join(directory, "zygote.sock") });
  undo.defer(() => executor[Symbol.asyncDispose]());
  const rootfs = [{ destination: "/", type: "bind", source: root, options: ["rbind"] }];
  const populate = (destination: string): Promise<void> =>
    populateVolume(
      executor,
      { rootfs, target, destination, mountpoint: volume },
      new AbortController().signal,
    );
  return { root, volume, populate };
}

test("files, links, owners and modes are those of the image, the directory's own too", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { root, volume, populate } = await openSetup(undo);
  const data = join(root, "data");
  mkdirSync(join(data, "sub"), { recursive: true });
  writeFileSync(join(data, "sub", "file"), "content");
  chmodSync(join(data, "sub", "file"), 0o4710);
  chownSync(join(data, "sub", "file"), 12, 34);
  chmodSync(join(data, "sub", "file"), 0o4710); // chown took the set-user-id bit
  execFileSync("setfattr", ["-n", "user.note", "-v", "kept", join(data, "sub", "file")]);
  symlinkSync("/nowhere", join(data, "link"));
  chownSync(data, 56, 78);
  chmodSync(data, 0o750);
  await populate("/data");
  const file = statSync(join(volume, "sub", "file"));
  assert.equal(readFileSync(join(volume, "sub", "file"), "utf8"), "content");
  assert.deepEqual([file.mode & 0o7777, file.uid, file.gid], [0o4710, 12, 34]);
  assert.equal(readlinkSync(join(volume, "link")), "/nowhere");
  const own = statSync(volume);
  assert.deepEqual([own.mode & 0o7777, own.uid, own.gid], [0o750, 56, 78]);
  const note = ["--only-values", "-n", "user.note", join(volume, "sub", "file")];
  assert.equal(execFileSync("getfattr", ["--absolute-names", ...note], { encoding: "utf8" }), "kept");
});

test("a path that leads outside by symlinks or dots stays within the root", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { root, volume, populate } = await openSetup(undo);
  const secret = join(root, "..", "secret");
  mkdirSync(secret);
  writeFileSync(join(secret, "key"), "host");
  symlinkSync(secret, join(root, "absolute"));
  symlinkSync("../secret", join(root, "relative"));
  for (const path of ["/absolute", "/relative", "/../secret", "/relative/../secret"]) await populate(path);
  assert.deepEqual(readdirSync(volume), []);
});

test("a symlink to a directory of the image is followed, what lies in it is not", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { root, volume, populate } = await openSetup(undo);
  mkdirSync(join(root, "real"));
  symlinkSync("/etc/shadow", join(root, "real", "shadow"));
  symlinkSync("/real", join(root, "alias"));
  await populate("/alias");
  assert.equal(lstatSync(join(volume, "shadow")).isSymbolicLink(), true);
});

test("a volume that holds anything is left alone, and a missing directory is no error", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { root, volume, populate } = await openSetup(undo);
  await populate("/missing");
  writeFileSync(join(root, "plain"), "not a directory");
  await populate("/plain");
  assert.deepEqual(readdirSync(volume), []);
  mkdirSync(join(root, "data"));
  writeFileSync(join(root, "data", "image"), "");
  writeFileSync(join(volume, "mine"), "");
  await populate("/data");
  assert.deepEqual(readdirSync(volume), ["mine"]);
});

test("when the disk is full nothing of the copy stays", asRoot, async () => {
  await using undo = new AsyncDisposableStack();
  const { root, volume, populate } = await openSetup(undo);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", volume]);
  undo.defer(() => void execFileSync("umount", [volume]));
  mkdirSync(join(root, "data"));
  for (const name of ["a", "b", "c"]) writeFileSync(join(root, "data", name), Buffer.alloc(40_000));
  await assert.rejects(populate("/data"), { code: "ENOSPC" });
  assert.deepEqual(readdirSync(volume), []);
});
