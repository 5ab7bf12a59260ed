// Paths within a tree, as Docker resolves them: symlinks are followed below the root, also through what is not there. What comes out is a
// text for people and for further requests; whoever opens it has the kernel resolve it again, within the root.

import { EngineError, systemError } from "#base/errors.ts";
import { decodeRecord, fileTypes, isSymlink, type TreeRecord } from "#kernel/plan/tree-record.ts";
import type { PlanSession } from "#kernel/zygote/session.ts";
import { BodyReader } from "#kernel/zygote/wire-frames.ts";

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

export async function findRecord(
  session: PlanSession,
  root: number,
  path: string,
): Promise<TreeRecord | undefined> {
  const [bytes] = await session.ask({ op: "stat", why: path, root, path, missingOk: true });
  return bytes === undefined ? undefined : decodeRecord(new BodyReader(Buffer.from(bytes)));
}

/** An absolute path without symlinks, "." or "..". */
export async function resolveWithin(session: PlanSession, root: number, path: string): Promise<string> {
  const ahead = path.split("/");
  let resolved = "";
  let links = 0;
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved = resolved.slice(0, Math.max(resolved.lastIndexOf("/"), 0));
      continue;
    }
    const record = await findRecord(session, root, `${resolved}/${part}`);
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
export async function findPath(session: PlanSession, root: number, path: string): Promise<FoundPath> {
  const asked = cleanAbsolute(path);
  const split = asked.lastIndexOf("/") + 1;
  const directory = await resolveWithin(session, root, asked.slice(0, split));
  const last = asked.slice(split);
  const resolved = last === "" || last === "." ? directory : `${directory === "/" ? "" : directory}/${last}`;
  const record = await findRecord(session, root, resolved);
  if (record === undefined) throw await describeMissing(session, root, resolved);
  if (last === "" || last === ".") checkDirectory(record, asked);
  return { asked, resolved, record };
}

/** For a path that leads to nothing: notFound, which whoever knows whose tree it is gives Docker's words; of what is below a file Docker
 *  says something else. */
export async function describeMissing(
  session: PlanSession,
  root: number,
  path: string,
): Promise<EngineError> {
  const above = await findRecord(session, root, path.slice(0, path.lastIndexOf("/")) || "/");
  return above !== undefined && (above.mode & fileTypes.mask) !== fileTypes.directory
    ? systemError(`lstat ${path}: not a directory`)
    : new EngineError("notFound", "no such file");
}

function checkDirectory({ mode }: TreeRecord, path: string): void {
  if ((mode & fileTypes.mask) !== fileTypes.directory) throw systemError(`lstat ${path}: not a directory`);
}

export async function describePath(session: PlanSession, root: number, found: FoundPath): Promise<PathStat> {
  const { record, asked, resolved } = found;
  return {
    name: baseName(asked),
    size: record.size,
    mode: goFileMode(record.mode),
    mtime: formatMoment(record.mtime),
    linkTarget: isSymlink(record) ? await resolveWithin(session, root, resolved) : "",
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
