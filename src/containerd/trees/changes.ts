// What a container changed, as Docker tells it (`docker diff`): what is in its upper directory, against the layers below. Pure.
// A directory counts as changed by its mode and owner or by what is in it, not by its time.

import { fileTypes, isDirectory, type TreeRecord } from "#kernel/trees/record.ts";
import { isOpaque, isWhiteout } from "./pack.ts";

/** Docker's numbers. */
export const changeKinds = { modified: 0, added: 1, deleted: 2 } as const;

export interface Change {
  readonly Path: string;
  readonly Kind: (typeof changeKinds)[keyof typeof changeKinds];
}

/** Something in the upper directory. */
export interface UpperEntry {
  readonly record: TreeRecord;
  /** What the layers below have at the same path. */
  readonly below: TreeRecord | undefined;
  /** Of a directory that hides what the layers have in theirs: the names there. */
  readonly hidden: readonly string[];
}

interface Node extends UpperEntry {
  readonly path: string;
  readonly name: string;
  readonly children: Node[];
}

/** Directories that hide the one of the layers: by overlay's mark, or below one that does. */
export function* replacedDirectories(records: Iterable<TreeRecord>): Generator<TreeRecord> {
  let replaced: string | undefined;
  for (const record of records) {
    const path = `${record.path.toString()}/`;
    const isWithin = replaced !== undefined && path.startsWith(replaced);
    if (!isDirectory(record) || !(isWithin || isOpaque(record))) continue;
    if (!isWithin) replaced = path;
    yield record;
  }
}

/** In the order of names, each directory before what is in it. `entries`: in the order of a walk, without the top. */
export function listChanges(entries: Iterable<UpperEntry>): readonly Change[] {
  const top: Node[] = [];
  const directories = new Map<string, Node>();
  for (const entry of entries) {
    const path = entry.record.path.toString();
    const slash = path.lastIndexOf("/");
    const node: Node = { ...entry, path, name: path.slice(slash + 1), children: [] };
    if (isDirectory(entry.record)) directories.set(path, node);
    const siblings = slash < 0 ? top : directories.get(path.slice(0, slash))?.children;
    siblings?.push(node);
  }
  return top.flatMap(changesOf);
}

function changesOf(node: Node): readonly Change[] {
  const { record, below } = node;
  const Path = `/${node.path}`;
  if (isWhiteout(record)) return below === undefined ? [] : [{ Path, Kind: changeKinds.deleted }];
  const inside = isDirectory(record) ? changesWithin(node) : [];
  if (below === undefined) return [{ Path, Kind: changeKinds.added }, ...inside];
  const changed = isDifferent(record, below) || inside.length > 0;
  return changed ? [{ Path, Kind: changeKinds.modified }, ...inside] : [];
}

/** What was there and is not any more, is told where it would stand. */
function changesWithin({ path, children, hidden }: Node): readonly Change[] {
  const own = new Set(children.map(({ name }) => name));
  const gone = hidden
    .filter((name) => !own.has(name))
    .map((name) => ({ name, changes: [{ Path: `/${path}/${name}`, Kind: changeKinds.deleted }] }));
  if (gone.length === 0) return children.flatMap(changesOf);
  return [...gone, ...children.map((child) => ({ name: child.name, changes: changesOf(child) }))]
    .toSorted((left, right) => Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)))
    .flatMap(({ changes }) => changes);
}

/** As Docker tells changes. */
export function isDifferent(now: TreeRecord, before: TreeRecord): boolean {
  if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid) return true;
  if (now.major !== before.major || now.minor !== before.minor) return true;
  if (Buffer.compare(capabilityOf(now), capabilityOf(before)) !== 0) return true;
  return !isDirectory(now) && (now.size !== before.size || !isSameMoment(now.mtime, before.mtime));
}

const capabilityOf = ({ xattrs }: TreeRecord): Uint8Array =>
  xattrs.find(({ name }) => name === "security.capability")?.value ?? new Uint8Array(0);

/** Some file systems keep whole seconds only. */
const isSameMoment = (left: TreeRecord["mtime"], right: TreeRecord["mtime"]): boolean =>
  left.sec === right.sec && (left.nsec === right.nsec || left.nsec === 0 || right.nsec === 0);

/** Made for something to be mounted on it: an empty file, what stands for /etc/mtab, or a directory that is no other than the one below. */
export const isMountPoint = ({ record, below }: Pick<UpperEntry, "record" | "below">): boolean => {
  const type = record.mode & fileTypes.mask;
  if (type === fileTypes.file) return record.size === 0;
  if (type === fileTypes.symlink) return record.target.toString() === "/proc/mounts";
  return isDirectory(record) && !isOpaque(record) && (below === undefined || !isDifferent(record, below));
};
