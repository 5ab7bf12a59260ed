// Reads the options of a mount into what the kernel's calls take.

import type { Mount } from "#spec/oci-runtime.ts";
import * as linux from "../linux-flags.table.ts";
import { mountOptions, type OptionEffect } from "./mount-options.table.ts";

export interface ParsedOptions {
  /** MS_* flags that are on after all options, and those that were turned off by name. */
  readonly flags: number;
  readonly cleared: number;
  readonly treeSet: number;
  readonly treeClear: number;
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[];
  readonly bind: "one" | "tree" | "no";
  /** A tmpfs begins with what it covers. */
  readonly copyUp: boolean;
  /** Owners are shown as a user namespace maps them. */
  readonly idmap: "one" | "tree" | "no";
  /** What is left goes to the file system. */
  readonly data: readonly string[];
}

export function parseMountOptions(mount: Mount): ParsedOptions {
  const data: string[] = [];
  let parsed: ParsedOptions = {
    flags: 0,
    cleared: 0,
    treeSet: 0,
    treeClear: 0,
    propagation: [],
    bind: mount.type === "bind" ? "one" : "no",
    copyUp: false,
    idmap: hasMappings(mount) ? "one" : "no",
    data,
  };
  for (const option of mount.options ?? []) {
    const effect = Object.hasOwn(mountOptions, option) ? mountOptions[option] : undefined;
    if (effect === undefined) data.push(option);
    else parsed = apply(parsed, effect);
  }
  return parsed;
}

const hasMappings = ({ uidMappings, gidMappings }: Mount): boolean =>
  (uidMappings ?? []).length > 0 || (gidMappings ?? []).length > 0;

function apply(parsed: ParsedOptions, effect: OptionEffect): ParsedOptions {
  const on = effect.set ?? 0;
  const off = effect.clear ?? 0;
  const treeOn = effect.treeSet ?? 0;
  const treeOff = effect.treeClear ?? 0;
  return {
    flags: (parsed.flags | on) & ~off,
    cleared: (parsed.cleared | off) & ~on,
    treeSet: (parsed.treeSet & ~treeOff) | treeOn,
    treeClear: (parsed.treeClear & ~treeOn) | treeOff,
    propagation: effect.propagation ? [...parsed.propagation, effect.propagation] : parsed.propagation,
    bind: effect.bind ?? parsed.bind,
    copyUp: effect.copyUp ?? parsed.copyUp,
    idmap: effect.idmap ?? parsed.idmap,
    data: parsed.data,
  };
}

const attributeOf: readonly (readonly [flag: number, attribute: number])[] = [
  [linux.MS_RDONLY, linux.MOUNT_ATTR_RDONLY],
  [linux.MS_NOSUID, linux.MOUNT_ATTR_NOSUID],
  [linux.MS_NODEV, linux.MOUNT_ATTR_NODEV],
  [linux.MS_NOEXEC, linux.MOUNT_ATTR_NOEXEC],
  [linux.MS_NODIRATIME, linux.MOUNT_ATTR_NODIRATIME],
  [linux.MS_NOSYMFOLLOW, linux.MOUNT_ATTR_NOSYMFOLLOW],
];

export interface MountAttributes {
  readonly set: number;
  readonly clear: number;
}

/** The per-mount part of the flags, for mount_setattr(2) or fsmount(2). */
export function bindAttributes(options: ParsedOptions): MountAttributes {
  let set = 0;
  let clear = 0;
  for (const [flag, attribute] of attributeOf) {
    if (options.flags & flag) set |= attribute;
    if (options.cleared & flag) clear |= attribute;
  }
  const atime = options.flags & (linux.MS_NOATIME | linux.MS_STRICTATIME | linux.MS_RELATIME);
  if (atime !== 0) clear |= linux.MOUNT_ATTR_ATIME;
  if (atime & linux.MS_NOATIME) set |= linux.MOUNT_ATTR_NOATIME;
  else if (atime & linux.MS_STRICTATIME) set |= linux.MOUNT_ATTR_STRICTATIME;
  return { set, clear };
}
