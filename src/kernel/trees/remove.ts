// Removes trees: never through a symlink, never across a mount. A hostile tree can neither exhaust descriptors nor the stack: directories that lie
// deep are first moved up to the top.

import { constants } from "node:os";
import { throwErrno } from "../libc.ts";
import { nextEntries, openFlags, owned, statOf, tryOpenAt, tryRename, tryUnlink } from "./calls.ts";

const { ENOENT, ENOTDIR, ENOTEMPTY, EEXIST, ELOOP, EISDIR, EPERM, EBUSY } = constants.errno;
const DEEPEST = 64;

interface Removal {
  readonly mount: bigint;
  readonly top: number;
  moved: number;
}

/** An entry of a directory and all below it. Absent is success. */
export function removeEntry(directory: number, name: string): void {
  const { mount } = statOf(directory);
  remove({ mount, top: directory, moved: 0 }, directory, name, 0);
}

/** All that is in a directory. */
export function removeContent(directory: number): void {
  const { mount } = statOf(directory);
  empty({ mount, top: directory, moved: 0 }, directory, 1);
}

function remove(removal: Removal, above: number, name: string, depth: number): void {
  const result = tryUnlink(above, name);
  if (result === 0 || result === -ENOENT) return;
  if (result !== -EISDIR && result !== -EPERM) throwErrno("unlinkat", -result);
  if (depth === DEEPEST) {
    moveUp(removal, above, name);
    return;
  }
  const fd = tryOpenAt(above, name, openFlags.directory);
  if (fd === -ENOENT) return;
  // Neither file nor directory: it is being exchanged.
  if (fd < 0) throwErrno("openat", fd === -ENOTDIR || fd === -ELOOP ? EBUSY : -fd);
  using opened = owned(fd);
  if (statOf(fd).mount !== removal.mount) throwErrno("unlinkat", EBUSY);
  empty(depth === 0 ? { ...removal, top: opened.fd } : removal, fd, depth + 1);
  const removed = tryUnlink(above, name, true);
  if (removed < 0 && removed !== -ENOENT) throwErrno("unlinkat", -removed);
}

/** Under a name that is free: a removal that was killed may have left some. */
function moveUp(removal: Removal, above: number, name: string): void {
  let result: number;
  do result = tryRename(above, name, removal.top, `.gantry-removed-${removal.moved++}`);
  while (result === -EEXIST || result === -ENOTEMPTY || result === -ENOTDIR);
  if (result < 0 && result !== -ENOENT) throwErrno("renameat", -result);
}

/** Until a pass sees nothing: a directory that changes while it is read may hide entries. */
function empty(removal: Removal, directory: number, depth: number): void {
  for (let seen = true; seen; ) {
    seen = false;
    using pass = owned(openAgain(directory));
    for (const { name } of nextEntries(pass.fd)) {
      seen = true;
      remove(removal, pass.fd, name, depth);
    }
  }
}

function openAgain(directory: number): number {
  const fd = tryOpenAt(directory, ".", openFlags.directory);
  return fd < 0 ? throwErrno("openat", -fd) : fd;
}
