// Reads a tree of files, hostile and changing as it may be: everything is opened once, below the directory that was opened before, no symlink is
// followed, only what is a regular file or a directory is opened for reading, and what a descriptor says counts. The tree is to be on mounts
// that let no device be opened: a name that was a file's may be one's by now.

import { readSync } from "node:fs";
import { constants } from "node:os";
import { throwErrno } from "../libc.ts";
import {
  close,
  type DirectoryEntry,
  linkTarget,
  nextEntries,
  openFlags,
  openPath,
  openWithin,
  owned,
  statOf,
  tryOpenAt,
  tryOpenWithin,
} from "./calls.ts";
import { fileTypes, isDirectory, isFile, isSymlink, type TreeRecord } from "./record.ts";
import { xattrsOf } from "./xattrs.ts";

const { ENOENT, ENOTDIR, ENAMETOOLONG } = constants.errno;
/** Waits for nobody, whatever it opens. */
const READ = 0o4000 | 0o400; // O_RDONLY, O_NONBLOCK, O_NOCTTY
/** Directories that stay open on the way down; those above are opened again on the way back. */
const KEPT_OPEN = 64;
const PATH_ROOM = 4096;
const DT_DIR = 4;
const DT_REG = 8;

/** An entry of a tree, until the next one is asked for. */
export interface OpenEntry {
  readonly record: TreeRecord;
  /** Of a regular file: puts bytes there and returns how many; 0 is the end. */
  readonly read: (into: Uint8Array) => number;
  /** Of an entry of the disk; open for reading if it is a regular file. */
  readonly fd?: number;
}

const nothing = Buffer.alloc(0);

function recordOf(fd: number, path: string): TreeRecord {
  const { mount: _, ...stat } = statOf(fd);
  return {
    ...stat,
    path: Buffer.from(path, "latin1"),
    target: isSymlink(stat) ? linkTarget(fd) : nothing,
    xattrs: isFile(stat) || isDirectory(stat) ? xattrsOf(fd) : [],
  };
}

/** A file or directory, for reading; anything else as a path. What is opened is the very thing that was looked at. */
function reopen(fd: number): number {
  const stat = statOf(fd);
  if (!isFile(stat) && !isDirectory(stat)) return fd;
  using _path = owned(fd);
  return openPath(`/proc/self/fd/${fd}`, READ);
}

/** What the name is, opened; undefined if it is gone. */
function openEntry(directory: number, { name, type }: DirectoryEntry): number | undefined {
  const direct = type === DT_REG || type === DT_DIR ? tryOpenAt(directory, name, READ) : -1;
  if (direct >= 0) return direct;
  const path = tryOpenAt(directory, name, openFlags.path);
  if (path === -ENOENT) return undefined;
  return path < 0 ? throwErrno("openat", -path) : reopen(path);
}

const byName = (left: DirectoryEntry, right: DirectoryEntry): number => (left.name < right.name ? -1 : 1);

interface Level {
  readonly path: string;
  /** -1 if it was closed to spare descriptors. */
  fd: number;
  readonly entries: readonly DirectoryEntry[];
  next: number;
}

/** What is at the path and, if that is a directory, everything below it, in the order of names, each directory before what is in it.
 *  What vanishes meanwhile is left out, and so are sockets. */
export function* readTree(root: number, path: string): Generator<OpenEntry, void, void> {
  using walk = new Walk();
  const top = reopen(openWithin(root, path, openFlags.path | openFlags.noFollow));
  yield walk.entry(top, "");
  for (let place = walk.next(); place !== undefined; place = walk.next()) {
    const fd = openEntry(place.directory, place.entry);
    if (fd !== undefined) yield* walk.found(fd, place.path);
  }
}

class Walk implements Disposable {
  readonly #levels: Level[] = [];
  /** Of the entry that was told last, unless that is a directory. */
  #file = -1;

  entry(fd: number, path: string): OpenEntry {
    this.#file = fd;
    const record = recordOf(fd, path);
    if (isDirectory(record)) this.#enter(fd, path);
    return { record, fd, read: (into) => (isFile(record) ? readSync(fd, into) : 0) };
  }

  *found(fd: number, path: string): Generator<OpenEntry, void, void> {
    const entry = this.entry(fd, path);
    if ((entry.record.mode & fileTypes.mask) !== fileTypes.socket) yield entry;
  }

  /** Where the next entry is to be found. */
  next(): { readonly directory: number; readonly entry: DirectoryEntry; readonly path: string } | undefined {
    this.#close();
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const entry = level.entries[level.next++];
      if (entry !== undefined && this.#reopenLevel(level)) {
        const path = level.path === "" ? entry.name : `${level.path}/${entry.name}`;
        if (path.length >= PATH_ROOM) throwErrno("openat", ENAMETOOLONG);
        return { directory: level.fd, entry, path };
      }
      this.#levels.pop();
      if (level.fd >= 0) close(level.fd);
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#close();
    for (const { fd } of this.#levels.splice(0)) if (fd >= 0) close(fd);
  }

  #enter(fd: number, path: string): void {
    const entries = [...nextEntries(fd)].sort(byName);
    this.#levels.push({ path, fd, entries, next: 0 });
    this.#file = -1;
    const far = this.#levels.length - 1 - KEPT_OPEN;
    const above = this.#levels[far];
    if (far === 0 || above === undefined) return; // from the top the others are opened again
    close(above.fd);
    above.fd = -1;
  }

  /** False if it is gone. */
  #reopenLevel(level: Level): boolean {
    if (level.fd >= 0) return true;
    const [top] = this.#levels;
    const fd = tryOpenWithin(top?.fd ?? -1, level.path, READ | openFlags.directory | openFlags.noFollow);
    if (fd < 0 && fd !== -ENOENT && fd !== -ENOTDIR) throwErrno("openat2", -fd);
    level.fd = fd < 0 ? -1 : fd;
    return fd >= 0;
  }

  #close(): void {
    if (this.#file >= 0) close(this.#file);
    this.#file = -1;
  }
}

/** Of what the path leads to, a symlink itself; undefined if there is nothing. */
export function findRecord(root: number, path: string): TreeRecord | undefined {
  const fd = tryOpenWithin(root, path, openFlags.path | openFlags.noFollow);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  if (fd < 0) throwErrno("openat2", -fd);
  using opened = owned(reopen(fd));
  return recordOf(opened.fd, path);
}

/** In a directory below the root; none if there is no such directory. */
export function namesIn(root: number, path: string): readonly string[] {
  const fd = tryOpenWithin(root, path, READ | openFlags.directory | openFlags.noFollow);
  if (fd === -ENOENT || fd === -ENOTDIR) return [];
  if (fd < 0) throwErrno("openat2", -fd);
  using directory = owned(fd);
  return [...nextEntries(directory.fd)].map(({ name }) => name).sort();
}
