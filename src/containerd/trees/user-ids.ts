// Users and groups as a container's own user namespace has them: what the kernel would translate for who is in it.

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { throwErrno } from "#kernel/libc.ts";
import type { Xattr } from "#kernel/trees/xattrs.ts";

interface Range {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

interface UserIds {
  readonly users: readonly Range[];
  readonly groups: readonly Range[];
}

/** What belongs to somebody: of a file that is there, or to be made. */
interface Owned {
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: readonly Xattr[];
}

type Translate = <T extends Owned>(of: T) => T;

/** Both ways between a user namespace and ours. */
export interface IdTranslation {
  readonly toInside: Translate;
  /** Throws EINVAL for an id that the namespace does not have. */
  readonly toOutside: Translate;
  /** Of the namespace, as we know it; undefined if the namespace is ours. */
  readonly root: { readonly uid: number; readonly gid: number } | undefined;
}

/** What the kernel shows of an id that a namespace does not have. */
const NOBODY = 65_534;
const ALL = 2 ** 32 - 1;

function parseMap(text: string): readonly Range[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** Of the user namespace of a process. */
export function readIdTranslation(pid: number): IdTranslation {
  const read = (kind: string) => parseMap(readFileSync(`/proc/${pid}/${kind}_map`, "latin1"));
  return translationOf({ users: read("uid"), groups: read("gid") });
}

const same: Translate = (of) => of;
const isWhole = (ranges: readonly Range[]): boolean => ranges.some(({ count }) => count === ALL);

export function translationOf({ users, groups }: UserIds): IdTranslation {
  if (isWhole(users) && isWhole(groups)) return { toInside: same, toOutside: same, root: undefined };
  const root = outside(users, 0);
  const inward = { user: (id: number) => inside(users, id), group: (id: number) => inside(groups, id) };
  const outward = { user: (id: number) => outside(users, id), group: (id: number) => outside(groups, id) };
  return {
    root: { uid: root, gid: outside(groups, 0) },
    toInside: (of) => ({
      ...translate(of, inward),
      xattrs: of.xattrs.map((xattr) => translateAcl(withoutRoot(xattr, root), inward)),
    }),
    toOutside: (of) => ({
      ...translate(of, outward),
      xattrs: of.xattrs.map((xattr) => translateAcl(withRoot(xattr, root), outward)),
    }),
  };
}

function inside(ranges: readonly Range[], id: number): number {
  const range = ranges.find(({ outside: first, count }) => id >= first && id < first + count);
  return range === undefined ? NOBODY : id - range.outside + range.inside;
}

function outside(ranges: readonly Range[], id: number): number {
  const range = ranges.find(({ inside: first, count }) => id >= first && id < first + count);
  return range === undefined
    ? throwErrno("fchownat", constants.errno.EINVAL)
    : id - range.inside + range.outside;
}

interface Direction {
  readonly user: (id: number) => number;
  readonly group: (id: number) => number;
}

const translate = <T extends Owned>(of: T, { user, group }: Direction): T => ({
  ...of,
  uid: user(of.uid),
  gid: group(of.gid),
});

/** struct vfs_ns_cap_data: version 3 is version 2 with the namespace's root behind it, for whom alone it counts. */
const CAPABILITY = "security.capability";
const V2_SIZE = 20;
const [VERSION_2, VERSION_3] = [0x02, 0x03];

function withoutRoot(xattr: Xattr, root: number): Xattr {
  const value = Buffer.from(xattr.value);
  if (xattr.name !== CAPABILITY || value.length !== V2_SIZE + 4 || value.readUInt32LE(V2_SIZE) !== root)
    return xattr;
  value[3] = VERSION_2;
  return { ...xattr, value: value.subarray(0, V2_SIZE) };
}

function withRoot(xattr: Xattr, root: number): Xattr {
  if (xattr.name !== CAPABILITY || xattr.value.length !== V2_SIZE) return xattr;
  const value = Buffer.concat([xattr.value, Buffer.alloc(4)]);
  value[3] = VERSION_3;
  value.writeUInt32LE(root, V2_SIZE);
  return { ...xattr, value };
}

/** u32 version, then of each entry u16 tag, u16 permissions, u32 id: of a named user (2) or group (8). */
function translateAcl(xattr: Xattr, { user, group }: Direction): Xattr {
  if (!xattr.name.startsWith("system.posix_acl_")) return xattr;
  const value = Buffer.from(xattr.value);
  for (let at = 4; at + 8 <= value.length; at += 8) {
    const tag = value.readUInt16LE(at);
    if (tag !== 2 && tag !== 8) continue;
    value.writeUInt32LE((tag === 2 ? user : group)(value.readUInt32LE(at + 4)), at + 4);
  }
  return { ...xattr, value };
}
