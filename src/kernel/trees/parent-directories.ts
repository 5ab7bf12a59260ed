// The directories that entries go into, below a root: one that is missing is made.

import { chmodSync } from "node:fs";
import { constants } from "node:os";
import { throwErrno } from "../libc.ts";
import {
  close,
  linkTarget,
  openAt,
  openFlags,
  openWithin,
  owned,
  tryMakeDirectory,
  tryOpenWithin,
} from "./calls.ts";
import { rawName } from "./ffi-calls.ts";

const { EEXIST, EINVAL, ENOENT } = constants.errno;
const FOLDER = openFlags.path | openFlags.directory;
/** Symlinks to nothing that are followed on the way to a directory that is missing. */
const MAX_LINKS = 16;

/** The directory of an entry and its name in it, both as bytes. `isRaw`: the path is. */
export function splitPath(
  path: string,
  isRaw = false,
): { readonly directory: string; readonly base: string } {
  const raw = isRaw ? path : rawName(path);
  const slash = raw.lastIndexOf("/");
  return { directory: slash <= 0 ? "/" : raw.slice(0, slash), base: raw.slice(slash + 1) };
}

export class ParentDirectories implements Disposable {
  readonly #root: number;
  /** The one that was used last: entries come directory by directory. */
  #last: { readonly path: string; readonly fd: number } | undefined;

  /** `root`: an open directory, which stays the caller's. */
  constructor(root: number) {
    this.#root = root;
  }

  /** The directory that holds the entry, made if it was missing. The fd stays ours. */
  open(path: string): { readonly fd: number; readonly base: string } {
    const { directory, base } = splitPath(path);
    if (base === ".." || base === "") throwErrno("openat2", EINVAL);
    if (this.#last?.path === directory) return { fd: this.#last.fd, base };
    this.forget();
    const there = tryOpenWithin(this.#root, directory, FOLDER);
    const fd = there === -ENOENT ? this.#makeDirectories(directory, MAX_LINKS) : there;
    if (fd < 0) throwErrno("openat2", -fd);
    this.#last = { path: directory, fd };
    return { fd, base };
  }

  /** What it leads to may be another directory from now on. */
  forget(): void {
    if (this.#last !== undefined) close(this.#last.fd);
    this.#last = undefined;
  }

  [Symbol.dispose](): void {
    this.forget();
  }

  /** One component at a time; what a symlink to nothing points to is made, too. */
  #makeDirectories(path: string, links: number): number {
    let made = tryOpenWithin(this.#root, "/", FOLDER);
    for (let end = path.indexOf("/", 1); made >= 0; end = path.indexOf("/", end + 1)) {
      const prefix = end < 0 ? path : path.slice(0, end);
      close(made);
      made = tryOpenWithin(this.#root, prefix, FOLDER);
      if (made === -ENOENT) made = this.#makeNext(prefix, links);
      if (end < 0) break;
    }
    return made;
  }

  #makeNext(path: string, links: number): number {
    const { directory, base } = splitPath(path, true);
    using parent = owned(openWithin(this.#root, directory, FOLDER));
    const made = tryMakeDirectory(parent.fd, base, 0o755);
    if (made < 0 && made !== -EEXIST) throwErrno("mkdirat", -made);
    const fd = tryOpenWithin(this.#root, path, FOLDER);
    if (fd >= 0 && made === 0) chmodSync(`/proc/self/fd/${fd}`, 0o755); // whatever our umask is
    if (fd !== -ENOENT || links === 0) return fd;
    using link = owned(openAt(parent.fd, base, openFlags.path));
    const target = linkTarget(link.fd).toString("latin1");
    return this.#makeDirectories(target.startsWith("/") ? target : `${directory}/${target}`, links - 1);
  }
}
