// What dockerd lays between an image and each container: empty places for what a start mounts, and the file by which programs know that they
// are in a container. Here it is the first that a container's own layer holds; `diff` and `commit` leave it out (files/own-layer.ts).

import { chownSync, lstatSync, mkdirSync, type Stats, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { directoriesOf } from "#containerd/trees/layer-view.ts";
import type { Mount } from "#spec/oci-runtime.ts";

const MODE = 0o755;
const MOUNTS = "/proc/mounts";
const directories = ["proc", "sys", "dev/pts", "dev/shm"];
const files = [".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"];

/** `mounts`: of the container's snapshot, in which nothing has been written yet. */
export function layInitFiles(mounts: readonly Mount[]): void {
  const [own, ...layers] = directoriesOf(mounts);
  if (own === undefined) return;
  if (layers.length > 0) layAbove(own, layers);
  else layInto(own);
}

/** The layer is empty, and all that is in it is seen in place of what the others have. */
function layAbove(own: string, layers: readonly string[]): void {
  for (const path of ["dev", "etc"]) copyUp(join(own, path), findIn(layers, path));
  for (const path of directories)
    if (findIn(layers, path)?.isDirectory() !== true) mkdirSync(join(own, path), { mode: MODE });
  for (const path of files) writeFileSync(join(own, path), "", { mode: MODE });
  symlinkSync(MOUNTS, join(own, "etc/mtab"));
}

/** A tree that may have the image in it: what is there stays, and no symlink of the image leads anywhere. */
function layInto(own: string): void {
  const isFree = (path: string): boolean => {
    const parent = dirname(path);
    const isKnown = parent === "." || find(join(own, parent))?.isDirectory() === true;
    return isKnown && find(join(own, path)) === undefined;
  };
  for (const path of ["dev", "etc", ...directories])
    if (isFree(path)) mkdirSync(join(own, path), { mode: MODE });
  for (const path of files) if (isFree(path)) writeFileSync(join(own, path), "", { mode: MODE, flag: "wx" });
  if (isFree("etc/mtab")) symlinkSync(MOUNTS, join(own, "etc/mtab"));
}

/** Of all that, what counts in the size of a container's own directory: a symlink's is its text. */
export function initBytes(own: string): number {
  const found = find(join(own, "etc/mtab"));
  return found?.isSymbolicLink() === true && found.size === MOUNTS.length ? found.size : 0;
}

/** Of the topmost layer that has something there; a whiteout is something, too. */
function findIn(layers: readonly string[], path: string): Stats | undefined {
  for (const layer of layers) {
    const parent = find(join(layer, dirname(path)));
    if (parent === undefined) continue;
    if (!parent.isDirectory()) return undefined; // it hides what is in the layers below
    const found = find(join(layer, path));
    if (found !== undefined) return found;
  }
  return undefined;
}

const find = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** As overlayfs does with a directory in which something is made. */
function copyUp(path: string, below: Stats | undefined): void {
  const isThere = below?.isDirectory() === true;
  mkdirSync(path, { mode: isThere ? below.mode & 0o7777 : MODE });
  if (!isThere) return;
  chownSync(path, below.uid, below.gid);
  utimesSync(path, below.atime, below.mtime);
}
