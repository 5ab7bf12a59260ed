// A bind mount: the source's tree is copied detached, gets its attributes, and only then appears in the container. So neither a
// race for the target's path nor an error can leave it there without them.

import type { Op } from "#kernel/plan/ops.ts";
import { MOUNT_ATTR_RDONLY } from "../linux-flags.table.ts";
import { ROOT_SLOT, SCRATCH_SLOT } from "../slots.ts";
import { planAttach } from "./guarded-targets.ts";
import { bindAttributes, type ParsedOptions } from "./mount-options.ts";

export interface BindTarget {
  readonly why: string;
  readonly target: string;
}

export const planBind = (source: string, options: ParsedOptions, at: BindTarget): readonly Op[] => [
  planTree(source, options, { why: at.why, slot: SCRATCH_SLOT }),
  ...planTreeMount(SCRATCH_SLOT, options, at),
];

export const planTree = (
  source: string,
  options: ParsedOptions,
  { why, slot }: { readonly why: string; readonly slot: number },
): Op => ({ op: "openTree", why, source, slot, recursive: options.bind === "tree" });

/** Gives the tree in a slot its attributes and attaches it. */
export const planTreeMount = (slot: number, options: ParsedOptions, at: BindTarget): readonly Op[] => [
  ...planAttributes(options, { why: at.why, target: "", root: slot }),
  ...planAttach(slot, at),
];

interface AttributeTarget {
  readonly why: string;
  readonly target: string;
  readonly root: number;
}

/** Those of a bind, recursive ones and propagation included. */
export function planAttributes(options: ParsedOptions, at: AttributeTarget): readonly Op[] {
  const { set, clear } = bindAttributes(options);
  const own: readonly Op[] =
    set === 0 && clear === 0
      ? []
      : [{ op: "mountAttr", ...at, set, clear, propagation: 0, recursive: false }];
  return [...own, ...planTreeAttributes(options, at)];
}

/** Recursive attributes and propagation, of a bind or of any other mount. */
export function planTreeAttributes(options: ParsedOptions, at: AttributeTarget): readonly Op[] {
  const { treeSet, treeClear, propagation } = options;
  const tree: readonly Op[] =
    treeSet === 0 && treeClear === 0
      ? []
      : [{ op: "mountAttr", ...at, set: treeSet, clear: treeClear, propagation: 0, recursive: true }];
  return [
    ...tree,
    ...propagation.map(
      ({ flag, recursive }): Op => ({
        op: "mountAttr",
        ...at,
        set: 0,
        clear: 0,
        propagation: flag,
        recursive,
      }),
    ),
  ];
}

export const planReadonly = (target: string, why: string, root: number = ROOT_SLOT): Op => ({
  op: "mountAttr",
  why,
  target,
  root,
  set: MOUNT_ATTR_RDONLY,
  clear: 0,
  propagation: 0,
  recursive: false,
});
