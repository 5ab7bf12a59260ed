// A file system of its own: made detached, with all its attributes, and only then attached. So neither a race for the target's path nor
// an error can leave it there without them.

import type { Op } from "#kernel/plan/ops.ts";
import * as linux from "../linux-flags.table.ts";
import { bindAttributes, type ParsedOptions } from "./mount-options.ts";

export interface NewMount {
  readonly why: string;
  readonly fstype: string;
  readonly source: string;
  readonly options: ParsedOptions;
  readonly slot: number;
}

/** Flags of the file system, not of the mount, as fsconfig(2) knows them. */
const superblockKeys: readonly (readonly [flag: number, key: string])[] = [
  [linux.MS_SYNCHRONOUS, "sync"],
  [linux.MS_DIRSYNC, "dirsync"],
  [linux.MS_MANDLOCK, "mand"],
  [linux.MS_LAZYTIME, "lazytime"],
];

/** fsconfig(2) takes values of 255 bytes, lists of overlay are longer and escape commas in their own way; two flags are mount(2)'s only. */
export const canBeDetached = (fstype: string, { flags, data }: ParsedOptions): boolean =>
  fstype !== "overlay" &&
  (flags & (linux.MS_REMOUNT | linux.MS_I_VERSION | linux.MS_SILENT)) === 0 &&
  optionsOf(data).every((option) => option.length < 256);

const optionsOf = (data: readonly string[]): readonly string[] =>
  data.flatMap((option) => option.split(",")).filter((option) => option !== "");

export function planNewMount({ why, fstype, source, options, slot }: NewMount): Op {
  const pairs = [
    ["source", source],
    ...superblockKeys.flatMap(([flag, key]) => (options.flags & flag ? [[key, ""]] : [])),
    ...(options.flags & linux.MS_RDONLY ? [["ro", ""]] : []),
    ...optionsOf(options.data).map((option) => {
      const split = option.indexOf("=");
      return split < 0 ? [option, ""] : [option.slice(0, split), option.slice(split + 1)];
    }),
  ];
  return {
    op: "newMount",
    why,
    fstype,
    keys: pairs.map(([key = ""]) => key),
    values: pairs.map(([, value = ""]) => value),
    attributes: bindAttributes(options).set,
    slot,
  };
}
