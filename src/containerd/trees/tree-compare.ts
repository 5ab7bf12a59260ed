// What one whole tree has that another has not, in the form that overlayfs keeps it in: entries that are new or changed, the directories
// on the way to them, and a character device 0:0 in the place of what is gone.

import { findRecord, namesIn, type OpenEntry, readTree } from "#kernel/trees/read.ts";
import { fileTypes, isDirectory, type TreeRecord } from "#kernel/trees/record.ts";
import { isDifferent } from "./changes.ts";

/** In the order of names, each directory before what is in it; the top first. */
export function* readChanged(upper: number, lower: number): Generator<OpenEntry, void, void> {
  /** Directories that are the same in both, as far as was seen, from the top to the last one. */
  const pending: OpenEntry[] = [];
  /** What is gone and comes later in the order. */
  const due: OpenEntry[] = [];
  for (const entry of readTree(upper, ".")) {
    const { record } = entry;
    yield* due.splice(0, due.findLastIndex((other) => compareOrder(other.record, record) < 0) + 1);
    while (pending.length > 0 && !isWithin(record, pending.at(-1)?.record)) pending.pop();
    const below = findRecord(lower, pathOf(record));
    const gone = isDirectory(record) && below !== undefined ? goneFrom(upper, lower, record) : [];
    if (below !== undefined && gone.length === 0 && isSame(record, below)) {
      if (isDirectory(record)) pending.push(entry);
      continue;
    }
    yield* pending.splice(0);
    yield entry;
    due.push(...gone);
    due.sort((left, right) => compareOrder(left.record, right.record));
  }
  yield* due;
}

const pathOf = ({ path }: TreeRecord): string => (path.length === 0 ? "." : path.toString("latin1"));

/** That of a walk: a slash is before all that a name may have. */
const compareOrder = (left: TreeRecord, right: TreeRecord): number =>
  Buffer.compare(orderOf(left), orderOf(right));
const orderOf = ({ path }: TreeRecord): Buffer =>
  Buffer.from(path.toString("latin1").replaceAll("/", "\0"), "latin1");

const isWithin = ({ path }: TreeRecord, directory: TreeRecord | undefined): boolean =>
  directory === undefined ||
  directory.path.length === 0 ||
  path.subarray(0, directory.path.length + 1).equals(Buffer.concat([directory.path, Buffer.from("/")]));

/** A directory's own time changes with what is in it, which is told by itself. */
const isSame = (now: TreeRecord, before: TreeRecord): boolean =>
  !isDifferent(now, before) && now.target.equals(before.target) && attributesOf(now) === attributesOf(before);

const attributesOf = ({ xattrs }: TreeRecord): string =>
  xattrs
    .map(({ name, value }) => `${name}=${Buffer.from(value).toString("hex")}`)
    .sort()
    .join();

/** Of a directory; none if there is no such directory in the other tree. */
function goneFrom(upper: number, lower: number, directory: TreeRecord): readonly OpenEntry[] {
  const own = new Set(namesIn(upper, pathOf(directory)));
  const prefix = directory.path.length === 0 ? "" : `${pathOf(directory)}/`;
  return namesIn(lower, pathOf(directory))
    .filter((name) => !own.has(name))
    .map((name) => ({
      record: {
        ...directory,
        path: Buffer.from(prefix + name, "latin1"),
        mode: fileTypes.character,
        links: 1,
        size: 0,
        major: 0,
        minor: 0,
        xattrs: [],
      },
      read: () => 0,
    }));
}
