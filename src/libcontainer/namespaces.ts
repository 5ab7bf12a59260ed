// Which namespaces a container makes and which it joins.

import { invalid, unsupported } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Linux, NamespaceType, TimeOffset } from "#spec/oci-runtime.ts";
import * as linux from "./linux-flags.table.ts";
import { FIRST_NAMESPACE_SLOT } from "./slots.ts";

export const namespaceFlags: Readonly<Record<NamespaceType, number>> = {
  user: linux.CLONE_NEWUSER,
  network: linux.CLONE_NEWNET,
  ipc: linux.CLONE_NEWIPC,
  uts: linux.CLONE_NEWUTS,
  pid: linux.CLONE_NEWPID,
  cgroup: linux.CLONE_NEWCGROUP,
  mount: linux.CLONE_NEWNS,
  time: linux.CLONE_NEWTIME,
};

export interface Namespaces {
  /** CLONE_NEW* of the namespaces that the container gets new. */
  readonly created: number;
  readonly joined: readonly { readonly type: NamespaceType; readonly path: string }[];
}

export function readNamespaces(spec: Linux | undefined): Namespaces {
  let created = 0;
  const joined: { type: NamespaceType; path: string }[] = [];
  for (const { type, path } of spec?.namespaces ?? []) {
    const flag = namespaceFlags[type];
    if (flag === undefined) throw invalid(`namespace "${type}" does not exist`);
    if (created & flag || joined.some((other) => other.type === type))
      throw invalid(`malformed spec file: duplicated ns "${type}"`);
    if (path) joined.push({ type, path });
    else created |= flag;
  }
  if (joined.some(({ type }) => type === "mount")) throw unsupported("joining a mount namespace by path");
  if ((created & linux.CLONE_NEWNS) === 0) throw unsupported("a container without a mount namespace");
  return { created, joined };
}

export const hasNew = (namespaces: Namespaces, type: NamespaceType): boolean =>
  (namespaces.created & namespaceFlags[type]) !== 0;
export const isPrivate = (namespaces: Namespaces, type: NamespaceType): boolean =>
  hasNew(namespaces, type) || namespaces.joined.some((joined) => joined.type === type);

/** All are opened before any is entered; the user namespace is entered last, because it takes the rights for the others away. */
export function planJoinNamespaces({ joined }: Namespaces): Plan {
  const ordered = [
    ...joined.filter(({ type }) => type !== "user"),
    ...joined.filter(({ type }) => type === "user"),
  ];
  const withSlots = ordered.map((namespace, index) => ({ ...namespace, slot: FIRST_NAMESPACE_SLOT + index }));
  return [
    ...withSlots.map(
      ({ type, path, slot }): Op => ({
        op: "open",
        why: `${type} namespace ${path}`,
        path,
        flags: linux.O_CLOEXEC,
        slot,
      }),
    ),
    ...withSlots.flatMap(({ type, path, slot }): readonly Op[] => [
      { op: "setns", why: `${type} namespace ${path}`, slot, flags: namespaceFlags[type] },
      { op: "close", why: `${type} namespace ${path}`, slot },
    ]),
  ];
}

const clocks: Readonly<Record<string, string>> = { monotonic: "monotonic", boottime: "boottime" };

/** Offsets are set in the namespace of the children-to-be, before the first child. */
export function planTimeOffsets(offsets: Readonly<Record<string, TimeOffset>> | undefined): Plan {
  const entries = Object.entries(offsets ?? {});
  if (entries.length === 0) return [];
  const lines = entries.map(([name, { secs = 0, nanosecs = 0 }]) => {
    if (!Object.hasOwn(clocks, name)) throw invalid(`clock "${name}" has no offset`);
    return `${clocks[name]} ${secs} ${nanosecs}\n`;
  });
  return [
    { op: "unshare", why: "linux.timeOffsets", flags: linux.CLONE_NEWTIME },
    {
      op: "write",
      why: "linux.timeOffsets",
      path: "/proc/self/timens_offsets",
      flags: linux.O_WRONLY | linux.O_CLOEXEC,
      data: new TextEncoder().encode(lines.join("")),
      fsMagic: linux.PROC_SUPER_MAGIC,
    },
  ];
}
