// Mounts that are made before the container's namespaces are entered, as detached trees in slots, and attached in the container.

import { invalid } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { MS_SHARED, MS_SLAVE } from "../linux-flags.table.ts";
import { FIRST_TREE_SLOT, LAST_TREE_SLOT } from "../slots.ts";
import { targetOf } from "./guarded-targets.ts";
import { type ParsedOptions, parseMountOptions } from "./mount-options.ts";
import { planTree } from "./plan-bind.ts";
import { planIdmap } from "./plan-idmap.ts";
import { planNewMount } from "./plan-new-mount.ts";

export interface EarlyContext {
  readonly ownUserNamespace: boolean;
  readonly newNetwork: boolean;
}

interface Early {
  readonly mount: Mount;
  readonly index: number;
  readonly why: string;
  readonly options: ParsedOptions;
}

const earlyOf = (spec: Spec, isEarly: (mount: Mount, options: ParsedOptions) => boolean): readonly Early[] =>
  (spec.mounts ?? [])
    .map((mount, index) => ({
      mount,
      index,
      why: `mounts[${index}] ${targetOf(mount)}`,
      options: parseMountOptions(mount),
    }))
    .filter(({ mount, options }) => isEarly(mount, options));

/** What is mounted below such a bind shows on the host, and the other way round: only in a container whose root is shared, too. */
const keepsPeers = (spec: Spec, { propagation }: ParsedOptions): boolean =>
  ["shared", "rshared"].includes(spec.linux?.rootfsPropagation ?? "") &&
  propagation.every(({ flag }) => flag === MS_SHARED);

/** Shared mounts must be cloned while they are in the host's peer group; sources that the user namespace's root may not reach, or that
 *  show other owners, while the machine's root is still at work. */
const earlyBinds = (spec: Spec, { ownUserNamespace }: EarlyContext): readonly Early[] =>
  earlyOf(spec, (_, options) => {
    if (options.bind === "no" && options.idmap !== "no")
      throw invalid("id-mapped mounts are only supported for bind-mounts");
    if (options.bind === "no") return false;
    return ownUserNamespace || options.idmap !== "no" || keepsPeers(spec, options);
  });

/** sysfs shows a network namespace and may be mounted only by its owner: of a namespace that was given, that is the machine's root. */
const earlyFilesystems = (spec: Spec, { ownUserNamespace, newNetwork }: EarlyContext): readonly Early[] =>
  earlyOf(
    spec,
    ({ type }, options) => type === "sysfs" && options.bind === "no" && ownUserNamespace && !newNetwork,
  );

/** Slot by index of the mount. */
export function assignTreeSlots(spec: Spec, context: EarlyContext): ReadonlyMap<number, number> {
  const early = [...earlyBinds(spec, context), ...earlyFilesystems(spec, context)];
  const slots = LAST_TREE_SLOT - FIRST_TREE_SLOT + 1;
  if (early.length > slots)
    throw invalid(`${early.length} mounts are shared, id-mapped or enter a user namespace: ${slots} at most`);
  return new Map(early.map(({ index }, position) => [index, FIRST_TREE_SLOT + position]));
}

/** Runs first, in the machine's own mount namespace. */
export function planEarlyTrees(spec: Spec, context: EarlyContext): Plan {
  const slots = assignTreeSlots(spec, context);
  return earlyBinds(spec, context).flatMap((early): Plan => {
    const { mount, index, options, why } = early;
    const slot = slots.get(index) ?? FIRST_TREE_SLOT;
    if (!mount.source) throw invalid(`mounts[${index}]: a bind mount needs a source`);
    return [
      planTree(mount.source, options, { why, slot }),
      ...(keepsPeers(spec, options) ? [] : [planSlave(why, slot)]),
      ...planIdmap(early, spec, slot),
    ];
  });
}

/** Nothing that the container mounts there appears on the host. */
const planSlave = (why: string, slot: number) =>
  ({
    op: "mountAttr",
    why,
    target: "",
    root: slot,
    set: 0,
    clear: 0,
    propagation: MS_SLAVE,
    recursive: true,
  }) as const;

/** Runs where the network namespace is entered. */
export function planEarlyMounts(spec: Spec, context: EarlyContext): Plan {
  const slots = assignTreeSlots(spec, context);
  return earlyFilesystems(spec, context).map(({ mount, index, options, why }) =>
    planNewMount({
      why,
      fstype: "sysfs",
      source: mount.source || "sysfs",
      options,
      slot: slots.get(index) ?? FIRST_TREE_SLOT,
    }),
  );
}
