// Which namespaces a container makes and which it joins.

import { invalid, unsupported } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Linux, NamespaceType, Spec, TimeOffset } from "#spec/oci-runtime.ts";
import { findIdentity, type HostFacts } from "./host-facts.ts";
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
  const namespaces = { created, joined };
  if (!isPrivate(namespaces, "mount")) throw unsupported("a container without a mount namespace");
  return namespaces;
}

/** A path may lead back to the network of the machine, whose parameters are not the container's to set. */
export function joinsOwnNetwork({ joined }: Namespaces, { network }: HostFacts): boolean {
  const path = joined.find(({ type }) => type === "network")?.path;
  return path !== undefined && network !== undefined && findIdentity(path) === network;
}

/** What a specification may only ask for together with the namespace that it concerns; in runc's words. */
export function checkNamespaces(document: Spec, namespaces: Namespaces, host: HostFacts): void {
  const { hostname, domainname, linux: spec } = document;
  for (const type of ["user", "cgroup", "time"] as const)
    if (isPrivate(namespaces, type) && host.namespaces?.has(type) === false)
      throw invalid(`${type} namespaces aren't enabled in the kernel`);
  const hasUts = isPrivate(namespaces, "uts");
  if (hostname && !hasUts) throw invalid("unable to set hostname without a private UTS namespace");
  if (domainname && !hasUts) throw invalid("unable to set domainname without a private UTS namespace");
  const maps = (spec?.uidMappings ?? []).length + (spec?.gidMappings ?? []).length;
  if (maps > 0 && !isPrivate(namespaces, "user"))
    throw invalid("user namespace mappings specified, but user namespace isn't enabled in the config");
  if (!hasOffsets(spec)) return;
  if (!isPrivate(namespaces, "time"))
    throw invalid("time namespace offsets specified, but time namespace isn't enabled in the config");
  if (!hasNew(namespaces, "time"))
    throw invalid(
      "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one",
    );
}

export const hasOffsets = (spec: Linux | undefined): boolean =>
  Object.keys(spec?.timeOffsets ?? {}).length > 0;

export const hasNew = (namespaces: Namespaces, type: NamespaceType): boolean =>
  (namespaces.created & namespaceFlags[type]) !== 0;
export const isPrivate = (namespaces: Namespaces, type: NamespaceType): boolean =>
  hasNew(namespaces, type) || namespaces.joined.some((joined) => joined.type === type);

export interface JoinContext {
  /** The machine's root does it: the user namespace is entered last, because it takes the rights for the others away. To anybody else it
   *  gives them, and is entered first. */
  readonly privileged: boolean;
  /** Done in the joined mount and network namespaces, before the machine's root enters the user namespace. */
  readonly inMounts: Plan;
}

const asRoot: JoinContext = { privileged: true, inMounts: [] };

/** All are opened before any is entered. */
export function planJoinNamespaces(
  { joined }: Namespaces,
  { privileged, inMounts }: JoinContext = asRoot,
): Plan {
  const user = joined.filter(({ type }) => type === "user");
  const others = joined.filter(({ type }) => type !== "user");
  const ordered = privileged ? [...others, ...user] : [...user, ...others];
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
      ...(type === "user" && privileged ? inMounts : []),
      { op: "setns", why: `${type} namespace ${path}`, slot, flags: namespaceFlags[type] },
      { op: "close", why: `${type} namespace ${path}`, slot },
    ]),
    ...(privileged && user.length > 0 ? [] : inMounts),
  ];
}

const clocks: Readonly<Record<string, string>> = { monotonic: "monotonic", boottime: "boottime" };

/** Offsets are set in the namespace of the children-to-be, before the first child. */
export const planTimeOffsets = (spec: Linux | undefined): Plan =>
  hasOffsets(spec) ? [newClocks, planWriteOffsets(spec?.timeOffsets ?? {}, "self")] : [];

/** The same by a child in a user namespace of its own, which owns its clocks; it is told from outside, as it may not write there. */
export const planOwnTimeOffsets = (spec: Linux | undefined): Plan =>
  hasOffsets(spec)
    ? [
        newClocks,
        { ...planWriteOffsets(spec?.timeOffsets ?? {}, "$PID"), host: true },
        { op: "setns", why, path: "/proc/self/ns/time_for_children", flags: linux.CLONE_NEWTIME },
      ]
    : [];

const why = "linux.timeOffsets";
const newClocks: Op = { op: "unshare", why, flags: linux.CLONE_NEWTIME };

function planWriteOffsets(offsets: Readonly<Record<string, TimeOffset>>, process: string): Op {
  const lines = Object.entries(offsets).map(([name, { secs = 0, nanosecs = 0 }]) => {
    if (!Object.hasOwn(clocks, name)) throw invalid(`clock "${name}" has no offset`);
    return `${clocks[name]} ${secs} ${nanosecs}\n`;
  });
  return {
    op: "write",
    why,
    path: `/proc/${process}/timens_offsets`,
    flags: linux.O_WRONLY | linux.O_CLOEXEC,
    data: new TextEncoder().encode(lines.join("")),
    fsMagic: linux.PROC_SUPER_MAGIC,
  };
}
