// Paths within a tree, as Docker resolves them: symlinks are followed below the root, also through what is not there. What comes out is a
// text for people and for further requests; whoever opens it has the kernel resolve it again, within the root.

import { EngineError, systemError } from "#base/errors.ts";
import { rawName } from "#kernel/trees/ffi-calls.ts";
import { findRecord } from "#kernel/trees/read.ts";
import { fileTypes, isDirectory, isSymlink, type TreeRecord } from "#kernel/trees/record.ts";

/** What Docker's clients are told of a path. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string;
  /** Where a symlink leads in the end. */
  readonly linkTarget: string;
}

/** As many as Docker follows. */
const MAX_LINKS = 255;

/** Of what a path of text leads to. */
export const findText = (root: number, path: string): TreeRecord | undefined =>
  findRecord(root, rawName(path));

/** An absolute path without symlinks, "." or "..". */
export function resolveWithin(root: number, path: string): string {
  const ahead = path.split("/");
  let resolved = "";
  let links = 0;
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved = resolved.slice(0, Math.max(resolved.lastIndexOf("/"), 0));
      continue;
    }
    const record = findText(root, `${resolved}/${part}`);
    if (record === undefined || !isSymlink(record)) {
      resolved = `${resolved}/${part}`;
      continue;
    }
    links++;
    if (links > MAX_LINKS) throw systemError(`evalSymlinks: too many links in ${path}`);
    const target = record.target.toString();
    if (target.startsWith("/")) resolved = "";
    ahead.unshift(...target.split("/"));
  }
  return resolved === "" ? "/" : resolved;
}

/** "/a/../b/." -> "/b/.": cleaned as Docker's clients and daemon do, but for what a trailing slash or dot asks for. */
function cleanAbsolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const clean = `/${parts.join("/")}`;
  if (/(^|\/)\.$/.test(path)) return clean === "/" ? "/." : `${clean}/.`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/** The last component: "b" of "/a/b/", "." of "/a/.", "/" of the root. */
export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

export interface FoundPath {
  /** As it was asked for, absolute and clean. */
  readonly asked: string;
  /** The same with the symlinks before its last component resolved. */
  readonly resolved: string;
  readonly record: TreeRecord;
}

/** A symlink at the end is followed only if a slash or a dot comes behind it. Rejects notFound. */
export function findPath(root: number, path: string): FoundPath {
  const asked = cleanAbsolute(path);
  const split = asked.lastIndexOf("/") + 1;
  const directory = resolveWithin(root, asked.slice(0, split));
  const last = asked.slice(split);
  const resolved = last === "" || last === "." ? directory : `${directory === "/" ? "" : directory}/${last}`;
  const record = findText(root, resolved);
  if (record === undefined) throw describeMissing(root, resolved);
  if (last === "" || last === ".") checkDirectory(record, asked);
  return { asked, resolved, record };
}

/** For a path that leads to nothing: notFound, which whoever knows whose tree it is gives Docker's words; of what is below a file Docker
 *  says something else. */
export function describeMissing(root: number, path: string): EngineError {
  const above = findText(root, path.slice(0, path.lastIndexOf("/")) || "/");
  return above !== undefined && !isDirectory(above)
    ? systemError(`lstat ${path}: not a directory`)
    : new EngineError("notFound", "no such file");
}

function checkDirectory(record: TreeRecord, path: string): void {
  if (!isDirectory(record)) throw systemError(`lstat ${path}: not a directory`);
}

export function describePath(root: number, found: FoundPath): PathStat {
  const { record, asked, resolved } = found;
  return {
    name: baseName(asked),
    size: record.size,
    mode: goFileMode(record.mode),
    mtime: formatMoment(record.mtime),
    linkTarget: isSymlink(record) ? resolveWithin(root, resolved) : "",
  };
}

const goTypes: readonly (readonly [number, number])[] = [
  [fileTypes.directory, 1 << 31],
  [fileTypes.symlink, 1 << 27],
  [fileTypes.block, 1 << 26],
  [fileTypes.character, (1 << 26) | (1 << 21)],
  [fileTypes.fifo, 1 << 25],
  [fileTypes.socket, 1 << 24],
];
const goBits: readonly (readonly [number, number])[] = [
  [0o4000, 1 << 23],
  [0o2000, 1 << 22],
  [0o1000, 1 << 20],
];

function goFileMode(mode: number): number {
  let value = mode & 0o777;
  for (const [type, bits] of goTypes) if ((mode & fileTypes.mask) === type) value |= bits;
  for (const [bit, bits] of goBits) if ((mode & bit) !== 0) value |= bits;
  return value >>> 0;
}

function formatMoment({ sec, nsec }: { readonly sec: number; readonly nsec: number }): string {
  const whole = new Date(sec * 1000).toISOString().slice(0, 19);
  const fraction = String(nsec).padStart(9, "0").replace(/0+$/, "");
  return `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
}
